#include "tools/import/importers.h"
#include "tools/sluice/commands.h"

namespace sluice {

void add_import(Command& root) {
  Command import =
      root.command("import", "Bring in what another system has exported",
                   "sluice import polis exports/brexit-consensus --http http://127.0.0.1:8080");
  add_importers(import);
}

}  // namespace sluice
