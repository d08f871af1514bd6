#include "tests/support/fold_driver.h"

#include <algorithm>
#include <stdexcept>

#include "schemas/descriptors/rules.h"
#include "tests/support/flush_tables.h"

namespace sluice {

DrivenFold::DrivenFold(std::unique_ptr<Fold> (*make)(Tables&))
    : store_(state_), tables_(store_), timers_(tables_), fold_(make(tables_)) {}

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
  Effects effects(tables_, timers_, outbox_, {key_of(event), record.position});
  fold_->event().CopyFrom(event);
  fold_->fold(record, effects);
  return effects.rejection();
}

void DrivenFold::flush() {
  refresh();
  for (const auto& rows : tables_.all()) {
    if (rows->published()) publish(*rows);
  }
  flush_tables(tables_, store_);
}

void DrivenFold::restart() {
  flush();
  tables_.drop();
  timers_.load();
}

void DrivenFold::flush_and_shrink() {
  flush();
  tables_.shrink_to(0);
}

void DrivenFold::move_time() {
  outbox_.begin(position_, true);
  position_ = position_.next();
  record_time_ = std::max(record_time_, now);
  outbox_.set_record_time(record_time_);
  for (;;) {
    const std::optional<Timer> timer = timers_.take_due(record_time_);
    if (!timer) return;
    fire(*timer);
  }
}

void DrivenFold::fire(Timer timer) {
  timer.folded_to = position_.next();
  Effects effects(tables_, timers_, outbox_, {timer.record_key, timer.set_at, timer.due});
  fold_->fire(timer, effects);
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

TableRows& DrivenFold::rows_of(const google::protobuf::Descriptor& row_type) {
  const auto& all = tables_.all();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const auto& rows) { return &rows->row_type() == &row_type; });
  if (found == all.end()) throw std::logic_error("no table of " + row_type.full_name());
  return **found;
}

}  // namespace sluice
