#include "tools/sluice/node/advice.h"

#include <utility>
#include <vector>

#include "tools/sluice/node/streams.h"

namespace sluice {

std::string advice_of(const AdviceSources& sources) {
  std::vector<std::string> all;
  if (sources.workers != nullptr) all = sources.workers->left_alone();
  if (sources.snapshots != nullptr && !sources.snapshots->trouble().empty()) {
    all.push_back("snapshots are not made: " + sources.snapshots->trouble());
  }
  if (sources.audit != nullptr) all = joined(std::move(all), sources.audit->left_out());
  std::string text;
  for (const std::string& each : all) text += (text.empty() ? "" : "\n") + each;
  return text;
}

}  // namespace sluice
