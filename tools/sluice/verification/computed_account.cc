#include "tools/sluice/verification/computed_account.h"

#include <memory>

#include "projectors/engine/tables/row_key.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

std::string below(const google::protobuf::Descriptor& row, std::string_view key) {
  std::string prefix;
  row_key::append_prefix(prefix, row_key::table_prefix(row));
  row_key::append(prefix, key);
  return prefix;
}

}  // namespace

std::vector<std::string> ComputedAccount::expect(const AsOfs& published) {
  stops_.clear();
  bool written = false;
  std::vector<std::string> too_late;
  for (const auto& [key, as_of] : published) {
    const auto done = done_.find(key);
    if (!as_of || (done != done_.end() && done->second == *as_of)) continue;
    if (Offset{*as_of} >= refold_.position()) {
      stops_.emplace(*as_of, key);
      continue;
    }
    if (!written) refold_.write_state();
    written = true;
    const auto changed = changed_at(key);
    if (changed && *changed <= Offset{*as_of}) {
      compute(key, *as_of);
    } else if (changed) {
      too_late.push_back(key);
    }
  }
  reached(refold_.position());
  return too_late;
}

std::vector<std::string> ComputedAccount::expect_last(const AsOfs& published, Offset position) {
  AsOfs within = published;
  for (auto& [key, as_of] : within) {
    if (!as_of || *as_of <= 0 || *as_of > position.value) as_of = position.value;
  }
  return expect(within);
}

void ComputedAccount::compute_until(Offset offset) {
  refold_.write_state();
  while (!stops_.empty() && stops_.begin()->first <= offset.value) {
    const auto stop = stops_.begin();
    if (changed_at(stop->second)) compute(stop->second, stop->first);
    stops_.erase(stop);
  }
}

std::optional<Offset> ComputedAccount::changed_at(const std::string& key) {
  std::string bytes;
  if (!store_.get(below(computed_.watched, key), bytes)) return std::nullopt;
  const std::unique_ptr<google::protobuf::Message> row(
      google::protobuf::MessageFactory::generated_factory()
          ->GetPrototype(&computed_.watched)
          ->New());
  if (!row->ParseFromString(bytes)) throw Corrupt("a row of the refold cannot be read");
  return computed_.demand(*row).changed_at;
}

void ComputedAccount::compute(const std::string& key, std::int64_t as_of) {
  const auto computation = computed_.make(key);
  const std::stop_token nobody_stops;
  const bool done =
      computation->read(*store_.snapshot(), nobody_stops) && computation->compute(nobody_stops);
  CHECK(done, "nobody stops it");
  StateBatch batch;
  std::string row_key;
  for (const ComputedRows::Table& table : computation->rows({Offset{as_of}, {}, {}}).tables) {
    const std::string prefix = below(*table.row, key);
    batch.erase_range(prefix, row_key::after_prefix(prefix));
    for (const auto& row : table.rows) {
      row_key.clear();
      row_key::append_key_of(row_key, *row);
      batch.put(row_key, row->SerializeAsString());
    }
  }
  store_.write(batch);
  done_[key] = as_of;
}

}  // namespace sluice
