// In the place of the registries that are made of the tree's domains.

#include "schemas/descriptors/domain.h"
#include "tests/support/two_versions/rules.h"

namespace sluice {

std::span<const Domain> domains() {
  static const Domain all[] = {
      {"counters", counters::Event::descriptor(), counters::Counter::descriptor()->file(), {}, {}},
      {"echoes", echoes::Event::descriptor(), echoes::Echo::descriptor()->file(), {}, {}},
  };
  return all;
}

std::span<const Projection> projections() {
  static const Projection all[] = {
      describe<Counters>("counters"),
      describe<Echoes>("echoes"),
  };
  return all;
}

}  // namespace sluice
