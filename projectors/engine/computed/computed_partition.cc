#include "projectors/engine/computed/computed_partition.h"

#include <algorithm>
#include <utility>

#include "projectors/engine/tables/stored_key.h"
#include "schemas/descriptors/row_options.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

// Of keys beyond these the view is told again with each change.
constexpr std::size_t kToldMax = 65'536;

TableRows& table_of(Tables& tables, const google::protobuf::Descriptor& row) {
  for (const auto& rows : tables.all()) {
    if (&rows->row_type() == &row) return *rows;
  }
  CHECK(false, "the watched table is the projection's");
}

}  // namespace

ComputedPartition::ComputedPartition(const Computed& what, Computations* all, Tables& tables,
                                     std::string label)
    : what_(what),
      all_(all),
      tables_(tables),
      watched_(table_of(tables, what.watched)),
      due_(tables),
      state_(std::make_shared<SharedState>(tables.store())) {
  if (all_ != nullptr) number_ = all_->add(what, state_, std::move(label));
}

ComputedPartition::~ComputedPartition() {
  if (all_ != nullptr) all_->remove(number_);
  state_->close();
}

const google::protobuf::Message* ComputedPartition::watched_row(std::string_view key) {
  std::string& encoded = tables_.key_scratch();
  row_key::append_prefix(encoded, watched_.prefix());
  row_key::append_part(encoded, key);
  return watched_.find(encoded);
}

void ComputedPartition::begin(Offset position) {
  state_->set_position(position);
  begun_ = true;
  due_keys_ = count_stored();
  left_out_ = true;
  left_out_again_ = false;
  resume_at_.clear();
  offer_stored();
}

void ComputedPartition::note(Offset written) {
  changed_.clear();
  became_due_.clear();
  for (const RowSlot* slot : watched_.dirty_in_key_order()) {
    if (slot->row == nullptr) continue;
    const Demand demand = this->demand(*slot->row);
    if (demand.changed_at > written) {
      if (due_.find(demand.key) == nullptr) {
        (void)due_.make(demand.key);
        ++due_keys_;
      }
      if (!told_.contains(std::string(demand.key))) became_due_.emplace_back(demand.key);
    }
    // Before the state that says so can be read.
    if (demand.waits && begun_ && all_ != nullptr) all_->withdraw(number_, demand.key);
    changed_.push_back(slot->row);
  }
}

Demand ComputedPartition::demand(const google::protobuf::Message& row) const {
  const RulesScope scope;
  Demand demand = what_.demand(row);
  if (hurries_) demand.waits = false;
  return demand;
}

void ComputedPartition::hurry(bool hurries) {
  if (all_ == nullptr || hurries == hurries_) return;
  hurries_ = hurries;
  all_->hurry(number_, hurries);
  // Keys that waited so far are due in the state alone.
  left_out_ = true;
  resume_at_.clear();
}

void ComputedPartition::write(const StateBatch& batch, Offset position) {
  state_->write(batch, position);
}

bool ComputedPartition::outdated(const ComputedResult& result) {
  const auto* row = watched_row(result.key);
  return row != nullptr && demand(*row).changed_at > result.as_of;
}

std::span<const std::string> ComputedPartition::caught_up() {
  caught_up_.clear();
  for (const ComputedResult& result : results_) {
    if (!outdated(result)) caught_up_.push_back(result.key);
  }
  return caught_up_;
}

void ComputedPartition::told() {
  for (const std::string& key : became_due_) {
    if (told_.size() < kToldMax) told_.insert(key);
  }
  for (const std::string& key : caught_up_) told_.erase(key);
}

std::function<const std::string*()> ComputedPartition::stored_due() const {
  const auto rows =
      std::make_shared<StoredRows>(tables_.store(), DueComputation::default_instance());
  return [rows]() -> const std::string* {
    const auto* row = static_cast<const DueComputation*>(rows->next());
    return row == nullptr ? nullptr : &row->key();
  };
}

bool ComputedPartition::offer(const Demand& demand) {
  // What ends the wait offers it again.
  return demand.waits || all_->offer(number_, demand);
}

void ComputedPartition::offer() {
  if (!begun_ || all_ == nullptr) return;
  for (const auto* row : changed_) {
    const Demand demand = this->demand(*row);
    if (due_.find(demand.key) != nullptr && !offer(demand)) left_out_ = left_out_again_ = true;
  }
  changed_.clear();
  schedule();
}

void ComputedPartition::schedule() {
  // Before begin() the state is not yet known to be what the view was folded to, though owners may
  // be told to hurry: nothing is computed of it.
  if (!begun_ || !left_out_ || all_ == nullptr) return;
  if (all_->has_room(number_)) offer_stored();
}

// The tables have nothing that the store has not. Keys may be many, so this does not begin at the
// first each time.
void ComputedPartition::offer_stored() {
  if (all_ == nullptr) return;
  std::string from;
  row_key::append_prefix(from, row_key::table_prefix(*DueComputation::descriptor()));
  const std::string end = row_key::after_prefix(from);
  row_key::append(from, resume_at_);
  DueComputation due;
  const auto fields = key_fields(*DueComputation::descriptor());
  for (const auto at = tables_.store().scan(from, end); at->valid(); at->next()) {
    row_key::read_stored(due, fields, at->key(), at->value());
    const auto* row = watched_row(due.key());
    if (row != nullptr && !offer(demand(*row))) {
      resume_at_ = due.key();
      return;
    }
  }
  resume_at_.clear();
  left_out_ = std::exchange(left_out_again_, false);
}

// As at begin(): once, when the partition is taken.
std::int64_t ComputedPartition::count_stored() const {
  std::string from;
  row_key::append_prefix(from, row_key::table_prefix(*DueComputation::descriptor()));
  std::int64_t keys = 0;
  for (const auto at = tables_.store().scan(from, row_key::after_prefix(from)); at->valid();
       at->next()) {
    ++keys;
  }
  return keys;
}

std::optional<ComputedProgress> ComputedPartition::progress() const {
  if (!begun_) return std::nullopt;
  ComputedProgress progress{.due = due_keys_};
  if (all_ == nullptr) return progress;
  const ComputationQueue::Count held = all_->count(number_);
  progress.computing = static_cast<std::int64_t>(held.running);
  progress.failing = static_cast<std::int64_t>(held.failing);
  progress.oldest_due = std::chrono::floor<std::chrono::milliseconds>(held.oldest_due);
  return progress;
}

bool ComputedPartition::finished() const { return all_ != nullptr && all_->finished(number_); }

void ComputedPartition::take() {
  if (all_ == nullptr) return;
  publishing_since_ = all_->now();
  std::vector<ComputedResult> more = all_->take(number_);
  std::ranges::move(more, std::back_inserter(results_));
  rows_.clear();
  for (const ComputedResult& result : results_) rows_.push_back(&result.rows);
}

void ComputedPartition::published() {
  for (const ComputedResult& result : results_) {
    if (outdated(result) || due_.find(result.key) == nullptr) continue;
    due_.erase(result.key);
    --due_keys_;
  }
  if (!results_.empty()) {
    // Of the worker's time, of which all that is computed may take but a part.
    all_->published(number_, results_, all_->now() - publishing_since_);
  }
  rows_.clear();
  results_.clear();
}

}  // namespace sluice
