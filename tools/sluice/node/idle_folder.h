#pragma once

#include <filesystem>
#include <memory>

#include "tools/sluice/node/data_folder.h"

namespace sluice {

// The data folder, with an embedded log in it, of a `sluice up` that does not run, for a command
// that works on it itself. Misconfigured where there is no log, so that nothing is made in a folder
// that was meant to be another, and where somebody runs on it.
[[nodiscard]] std::unique_ptr<DataFolder> idle_folder(const std::filesystem::path& data);

}  // namespace sluice
