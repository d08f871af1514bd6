#pragma once

#include <filesystem>
#include <string>

namespace sluice {

// The folder of a request's argument, {"to": path}. Absolute, since the process that answers has a
// working directory of its own. Misconfigured where `to` is no absolute path.
[[nodiscard]] std::filesystem::path asked_folder(const std::string& argument);

// Misconfigured where a folder of copies is in the data folder: they would be lost with it.
void require_outside(const std::filesystem::path& folder, const std::filesystem::path& data);

}  // namespace sluice
