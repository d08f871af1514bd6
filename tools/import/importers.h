#pragma once

#include "tools/sluice/cli/program.h"

namespace sluice {

// Adds a command for every importer: the file import_<name>.cc defines add_import_<name>().
void add_importers(Command& import);

}  // namespace sluice
