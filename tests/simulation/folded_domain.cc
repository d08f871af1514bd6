#include "tests/simulation/folded_domain.h"

#include <catch2/catch.hpp>

#include "tests/support/deliberation_facts.h"

namespace sluice {
namespace {

constexpr Partition kOnly{0};
constexpr std::int64_t kFirstMoment = 1'700'000'000'000;

Generation generation(std::string_view projection, int partitions) {
  Generation generation{
      .projection = std::string(projection), .unique_id = "g", .partitions = partitions};
  generation.dedupe_horizon = std::chrono::hours(24);
  generation.quarantine_retention = FoldedDomain::kRetention;
  generation.live = true;
  return generation;
}

std::string prefix_of(const TableRows& rows) {
  std::string prefix;
  row_key::append_prefix(prefix, rows.prefix());
  return prefix;
}

}  // namespace

FoldedDomain::FoldedDomain(const Projection& projection, int partitions)
    : projection_(projection), generation_(generation(projection.name, partitions)) {
  begin();
}

void FoldedDomain::append(const std::string& key, const std::string& value) {
  const auto offset = static_cast<std::int64_t>(log_.size());
  const Time at{passed_ + std::chrono::milliseconds(kFirstMoment + offset)};
  log_.push_back({at, key, value});
}

void FoldedDomain::post(std::string_view key, const google::protobuf::Message& fact) {
  Envelope envelope;
  envelope.set_id("e" + std::to_string(log_.size()));
  envelope.set_key(std::string(key));
  *envelope.mutable_actor() = facts::service();
  envelope.set_payload(fact.SerializeAsString());
  append(envelope.key(), envelope.SerializeAsString());
}

void FoldedDomain::post_control(std::string_view key, const Control& control) {
  Envelope envelope;
  *envelope.mutable_control() = control;
  append(std::string(key), envelope.SerializeAsString());
}

void FoldedDomain::tick() {
  Control control;
  control.mutable_tick();
  post_control("", control);
}

std::vector<DerivedRecord> FoldedDomain::fold() {
  std::vector<DerivedRecord> emitted;
  const std::size_t first = folded_;
  while (folded_ < log_.size()) {
    const auto offset = static_cast<std::int64_t>(folded_);
    const auto& [at, key, value] = log_[folded_];
    if (!fold_->fold({kOnly, Offset{offset}, at, key, value}, Emits::sent)) {
      // Nothing was ever written.
      folded_ = 0;
      emitted.clear();
      continue;
    }
    const auto records = fold_->outbox().records();
    if (folded_ >= first) emitted.insert(emitted.end(), records.begin(), records.end());
    fold_->outbox().clear();
    ++folded_;
  }
  return emitted;
}

void FoldedDomain::refold() {
  begin();
  fold();
}

std::map<Offset, QuarantinedRecord> FoldedDomain::quarantine() {
  std::map<Offset, QuarantinedRecord> rows;
  for (const auto& record : fold_->outcomes().quarantined) rows.emplace(record.position, record);
  CHECK(rows.size() == fold_->outcomes().quarantined.size());  // Postgres would refuse a second
  for (const Offset position : fold_->outcomes().aged_out) rows.at(position).value.reset();
  for (const Offset position : fold_->outcomes().unquarantined) rows.erase(position);
  return rows;
}

std::string FoldedDomain::tables() {
  std::string all;
  for (const auto& rows : fold_->tables().all()) {
    RowCursor cursor(*rows, prefix_of(*rows));
    while (const auto* row = cursor.next()) all += row->ShortDebugString() + "\n";
  }
  return all;
}

void FoldedDomain::begin() {
  fold_.reset();
  store_ = std::make_unique<MemoryStateStore>(*(state_ = std::make_unique<MemoryState>()));
  fold_ = std::make_unique<PartitionFold>(projection_, generation_, kOnly, *store_, DedupeShape{});
  fold_->reset();
  folded_ = 0;
}

}  // namespace sluice
