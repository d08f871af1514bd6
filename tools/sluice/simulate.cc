#include "tools/simulate/simulators.h"
#include "tools/sluice/commands.h"

namespace sluice {

void add_simulate(Command& root) {
  Command simulate = root.command(
      "simulate", "Post what people might, the same for the same seed",
      "sluice simulate deliberation --http http://127.0.0.1:8080 --rate 500 --seconds 30s");
  add_simulators(simulate);
}

}  // namespace sluice
