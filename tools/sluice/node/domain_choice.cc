#include "tools/sluice/node/domain_choice.h"

#include <algorithm>

#include "storage/base/errors.h"

namespace sluice {

std::vector<Domain> choose_domains(const std::vector<std::string>& names) {
  const auto all = domains();
  if (names.empty()) return {all.begin(), all.end()};
  std::vector<Domain> chosen;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(all, name, &Domain::name);
    if (found == all.end()) {
      std::string there;
      for (const Domain& domain : all)
        there += (there.empty() ? "" : ", ") + std::string(domain.name);
      throw Misconfigured("there is no domain " + name + "; there are: " + there);
    }
    chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace sluice
