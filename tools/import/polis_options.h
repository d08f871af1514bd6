#pragma once

#include <string>

#include "tools/import/polis_export.h"
#include "tools/sluice/cli/program.h"

namespace sluice {

// The property --agree, of commands that read a Polis export: empty, "1" or "-1".
void add_agree_option(Command& command, std::string& agree);
[[nodiscard]] Agree agree_of(const std::string& option);

}  // namespace sluice
