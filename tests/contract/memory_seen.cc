#include "tests/contract/memory_seen.h"

#include <set>

#include "shapes/tables.pb.h"
#include "tests/contract/building.h"

namespace sluice::testing {
namespace {

template <class Kept>
std::vector<std::int64_t> positions(const std::vector<Kept>& all) {
  std::vector<std::int64_t> out;
  for (const Kept& kept : all) out.push_back(kept.position.value);
  return out;
}

}  // namespace

std::vector<std::string> MemorySeen::ids() const {
  std::vector<std::string> ids;
  views_.for_each_row<shapes::OnlyKey>(
      [&](const shapes::OnlyKey& row) { ids.push_back(row.id()); });
  return ids;
}

std::vector<std::string> MemorySeen::due(Partition partition) const {
  const std::set<std::string> keys = views_.due(partition);
  return {keys.begin(), keys.end()};
}

std::vector<std::int64_t> MemorySeen::rejected(Partition partition) const {
  return positions(views_.rejections(partition));
}

std::vector<std::int64_t> MemorySeen::quarantined(Partition partition) const {
  return positions(views_.quarantined(partition));
}

std::vector<std::int64_t> MemorySeen::beyond_limit(Partition partition) const {
  auto all = views_.quarantined(partition);
  std::erase_if(all, [](const QuarantinedRecord& record) { return !record.beyond_limit; });
  return positions(all);
}

std::vector<std::int64_t> MemorySeen::aged_out(Partition partition) const {
  auto all = views_.quarantined(partition);
  std::erase_if(all, [](const QuarantinedRecord& record) { return record.value.has_value(); });
  return positions(all);
}

std::vector<std::string> MemorySeen::decisions(Partition partition) const {
  return decision_texts(views_.decisions(partition));
}

}  // namespace sluice::testing
