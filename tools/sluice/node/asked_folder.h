#pragma once

#include <filesystem>
#include <string>

namespace sluice {

// The folder of a request's argument, {"to": path}. Absolute, since the process that answers has a
// working directory of its own. Misconfigured where `to` is no absolute path.
[[nodiscard]] std::filesystem::path asked_folder(const std::string& argument);

}  // namespace sluice
