#pragma once

// Backups of the embedded log, which is the truth: all else is folded from it.

#include <filesystem>
#include <string>

#include "tools/sluice/node/log.h"
#include "tools/sluice/node/requests.h"

namespace sluice {

// Makes FOLDER/log-TIME, whose files are linked where the file system allows; the folder is made
// where it is missing. Returns {"path","bytes","seconds"}. Misconfigured, with the name, where it
// cannot be made there, or the log is on Kafka; then nothing of it is left.
[[nodiscard]] std::string back_up_log(Log& log, const std::filesystem::path& folder);

// Answers log.backup, {"to": folder}, with {"backup": {...}}. The log outlives it.
[[nodiscard]] OwnerAnswer backup_answer(Log& log);

}  // namespace sluice
