#pragma once

// Backups of the embedded log, which is the truth: all else is folded from it.

#include <filesystem>
#include <string>

#include "tools/sluice/node/log.h"
#include "tools/sluice/node/requests.h"

namespace sluice {

// Makes FOLDER/log-TIME, whose files are linked where the file system allows; the folder is made
// where it is missing. Returns {"path","bytes","seconds"}. Misconfigured, with the name, where it
// cannot be made there, it is inside of `data`, whose loss it would share, or the log is on Kafka;
// then nothing of it is left.
[[nodiscard]] std::string back_up_log(Log& log, const std::filesystem::path& folder,
                                      const std::filesystem::path& data);

// Answers log.backup, {"to": folder}, with {"backup": {...}}. The log, of the data folder `data`,
// outlives it.
[[nodiscard]] OwnerAnswer backup_answer(Log& log, std::filesystem::path data);

}  // namespace sluice
