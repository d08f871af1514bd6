// Applications of the world that read its views.

#include "tests/simulation/world.h"

namespace sluice::simulation {

// Each is in a transaction or is not; most are short.
void World::read() {
  Reader& reader = applications_.at(chance(50) ? "tally" : "roster");
  if (reader.reads() && chance(60)) return reader.end();
  if (!reader.reads() && chance(50)) {
    count("snapshot taken");
    return reader.begin();
  }
  if (reader.waits()) return count("reader waits");
  if (!reader.reads()) {
    count("statement read");
    return reader.ask();
  }
  count(reader.look() ? "snapshot read" : "snapshot told to begin again");
}

}  // namespace sluice::simulation
