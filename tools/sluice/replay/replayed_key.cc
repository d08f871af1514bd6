#include "tools/sluice/replay/replayed_key.h"

#include <algorithm>

#include "projectors/engine/tables/stored_rows.h"
#include "schemas/descriptors/belonging.h"
#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/rules.h"
#include "storage/base/errors.h"

namespace sluice {

ReplayedKey::ReplayedKey(const KeyPlace& place)
    : key_(place.key),
      refold_(place.projection, place.generation, place.partition, place.key, store_) {}

void ReplayedKey::fold(const Postings& postings, PartitionRecords& records, KeyTrace* trace) {
  KeyRefold::Watch watch;
  if (trace != nullptr) {
    watch = [&](const KeyStep& step) {
      tell_changes(*trace, static_cast<std::int64_t>(steps_.size()));
      steps_.push_back(step);
    };
  }
  refold_.fold(
      postings, [&](Offset offset) { return records.at(offset); }, watch);
}

void ReplayedKey::tell_changes(KeyTrace& trace, std::int64_t step) {
  std::string value;
  for (const auto& table : refold_.whole().tables().all()) {
    if (!table->published() || Belonging(table->row_type()).per_partition()) continue;
    for (const RowSlot* slot : table->dirty_in_key_order()) {
      std::unique_ptr<google::protobuf::Message> before;
      if (store_.get(slot->key.view(), value)) {
        before.reset(table->prototype().New());
        if (!before->ParseFromString(value)) throw Corrupt("a row cannot be read");
        row_key::set_key(*before, slot->key.view());
      }
      if (before != nullptr || slot->row != nullptr) trace.change(step, before.get(), slot->row);
    }
  }
}

std::vector<std::unique_ptr<google::protobuf::Message>> ReplayedKey::rows(
    const google::protobuf::Descriptor& row) {
  const auto* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(&row);
  const Belonging belonging(row);
  std::vector<std::unique_ptr<google::protobuf::Message>> all;
  StoredRows stored(store_, *prototype);
  while (const auto* next = stored.next()) {
    if (belonging.key_of(*next) != key_) continue;
    all.emplace_back(prototype->New())->CopyFrom(*next);
  }
  return all;
}

void ReplayedKey::expect(const google::protobuf::Descriptor& row, KeyRows& rows) {
  const auto made = this->rows(row);
  std::vector<const google::protobuf::Message*> borrowed;
  for (const auto& each : made) borrowed.push_back(each.get());
  rows.expect(row, borrowed);
}

std::vector<const google::protobuf::Descriptor*> tables_of_keys(const Domain& domain) {
  std::vector<const google::protobuf::Descriptor*> tables = published_rows(*domain.tables);
  std::erase_if(
      tables, [](const auto* row) { return is_computed(*row) || Belonging(*row).per_partition(); });
  return tables;
}

std::set<std::string> key_names(const Domain& domain) {
  std::set<std::string> names;
  const auto* facts = domain.event->oneof_decl(0);
  for (int i = 0; i < facts->field_count(); ++i) {
    names.insert(FactRules::of(*facts->field(i)->message_type()).key_name());
  }
  return names;
}

}  // namespace sluice
