#include "tests/support/driven_fold.h"

#include <algorithm>
#include <stdexcept>

#include "schemas/descriptors/rules.h"
#include "storage/base/check.h"
#include "storage/base/partitioner.h"
#include "tests/support/flush_tables.h"

namespace sluice {

DrivenFold::DrivenFold(const Projection& projection, int partitions) {
  outbox_.expect(projection.emits);
  for (int p = 0; p < partitions; ++p) {
    parts_.push_back(std::make_unique<Part>(projection.make, Partition{p}, partitions));
  }
}

DrivenFold::Part& DrivenFold::part_of(std::string_view key) {
  const Partition partition = partition_of(key, static_cast<int>(parts_.size()));
  return *parts_[static_cast<std::size_t>(partition.value)];
}

std::string_view DrivenFold::post_any(const google::protobuf::Message& event) {
  const std::string id = std::to_string(position_.value);
  const Record record{id,
                      "/test",
                      actor,
                      now,
                      occurred_at,
                      position_,
                      position_.next(),
                      std::max(record_time_, now)};
  move_time();
  const auto* fact =
      event.GetReflection()->GetOneofFieldDescriptor(event, event.GetDescriptor()->oneof_decl(0));
  if (FactRules::of(*fact->message_type()).service_only() && actor.role() != Actor::ROLE_SERVICE) {
    return "actor.not_allowed";
  }
  const std::string_view key = key_of(event);
  Part& part = part_of(key);
  Effects effects(part.tables, part.timers, outbox_, {key, record.position});
  part.fold->event().CopyFrom(event);
  part.tables.make_for(key);
  const RulesScope scope;
  part.fold->fold(record, effects);
  return effects.rejection();
}

void DrivenFold::refresh() {
  const RulesScope scope;
  for (const auto& part : parts_) {
    part->tables.make_for({});
    part->fold->refresh();
  }
}

void DrivenFold::flush() {
  refresh();
  for (const auto& part : parts_) {
    for (const auto& rows : part->tables.all()) {
      if (rows->published()) publish(*rows);
    }
    flush_tables(part->tables, part->store);
  }
}

void DrivenFold::restart() {
  flush();
  for (const auto& part : parts_) {
    part->tables.drop();
    part->timers.load();
  }
}

void DrivenFold::flush_and_shrink() {
  flush();
  for (const auto& part : parts_) part->tables.shrink_to(0);
}

std::unique_ptr<StateSnapshot> DrivenFold::snapshot(std::string_view key) {
  return part_of(key).store.snapshot();
}

std::size_t DrivenFold::dirty_rows() const {
  std::size_t rows = 0;
  for (const auto& part : parts_) rows += part->tables.dirty_rows();
  return rows;
}

std::uint64_t DrivenFold::edits() const {
  std::uint64_t edits = 0;
  for (const auto& part : parts_) edits += part->tables.edits();
  return edits;
}

void DrivenFold::move_time() {
  outbox_.begin(position_, true);
  position_ = position_.next();
  record_time_ = std::max(record_time_, now);
  outbox_.set_record_time(record_time_);
  for (const auto& part : parts_) {
    while (const std::optional<Timer> timer = part->timers.take_due(record_time_)) {
      fire(*part, *timer);
    }
  }
}

void DrivenFold::fire(Part& part, Timer timer) {
  timer.folded_to = position_.next();
  Effects effects(part.tables, part.timers, outbox_, {timer.record_key, timer.set_at, timer.due});
  part.tables.make_for(timer.record_key);
  const RulesScope scope;
  part.fold->fire(timer, effects);
}

void DrivenFold::publish(TableRows& rows) {
  auto& view = view_[&rows.row_type()];
  for (const RowSlot* slot : rows.dirty_in_key_order()) {
    if (!slot->shown) continue;
    const std::string key{slot->key.view()};
    view.erase(key);
    if (slot->row == nullptr) continue;
    std::unique_ptr<google::protobuf::Message> row(slot->row->New());
    row->CopyFrom(*slot->row);
    view.emplace(key, std::move(row));
  }
}

std::vector<std::string> DrivenFold::emitted_to(const std::string& domain) {
  for (const DerivedRecord& record : outbox_.records()) {
    emitted_.emplace_back().ParseFromString(record.value);
  }
  outbox_.clear();
  std::vector<std::string> payloads;
  std::erase_if(emitted_, [&](const Envelope& envelope) {
    if (envelope.domain() != domain) return false;
    payloads.push_back(envelope.payload());
    return true;
  });
  return payloads;
}

TableRows& DrivenFold::rows_of(const Part& part, const google::protobuf::Descriptor& row_type) {
  const auto& all = part.tables.all();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& rows) { return &rows->row_type() == &row_type; });
  if (found == all.end()) throw std::logic_error("no table of " + row_type.full_name());
  return **found;
}

}  // namespace sluice
