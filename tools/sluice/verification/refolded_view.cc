#include "tools/sluice/verification/refolded_view.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "projectors/engine/tables/stored_rows.h"
#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "tools/sluice/cli/progress.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kPoll{200};
// How long the log may show nothing of what the view has folded. The shorter: where the reader says
// that it has all, which it may have heard a moment before the view folded more.
constexpr int kSettledPolls = 25;
constexpr int kEmptyPolls = 150;

std::size_t index(Partition partition) { return static_cast<std::size_t>(partition.value); }

}  // namespace

RefoldedView::RefoldedView(const Projection& projection, const Generation& generation, Log& log,
                           const MemoryBudget& memory, const std::string& scratch)
    : name_(projection.name),
      scratch_(scratch),
      topology_(log.topology()),
      resources_(memory.state, generation.partitions) {
  const auto partitions = static_cast<std::uint64_t>(generation.partitions);
  const RefoldMemory each{.rows = (memory.dirty_rows + memory.row_cache) / partitions,
                          .filters = memory.dedupe / partitions};
  for (int p = 0; p < generation.partitions; ++p) {
    add_partition(projection, generation, Partition{p}, each);
  }
  reader_ = log.reader(stream_of(projection.name), partitions_, from_the_start_);
}

void RefoldedView::add_partition(const Projection& projection, const Generation& generation,
                                 Partition partition, RefoldMemory memory) {
  const LogRange range = topology_->range(stream_of(projection.name), partition);
  if (range.begin > Offset{0}) {
    throw Misconfigured("the log of partition " + std::to_string(partition.value) + " begins at " +
                        std::to_string(range.begin.value) +
                        ": what a view was folded from is no longer there to compare with");
  }
  partitions_.push_back(partition);
  stores_.push_back(
      std::make_unique<RocksStateStore>(scratch_.path() / std::to_string(partition.value),
                                        resources_, RocksStateStore::KeptThrough::shutdown));
  refolds_.push_back(
      std::make_unique<Refold>(projection, generation, partition, memory, *stores_.back()));
  if (projection.computed == nullptr) return;
  computed_.push_back(
      std::make_unique<ComputedAccount>(*projection.computed, *refolds_.back(), *stores_.back()));
}

Refold& RefoldedView::refold(Partition partition) const { return *refolds_.at(index(partition)); }

ComputedAccount* RefoldedView::computed(Partition partition) const {
  return computed_.empty() ? nullptr : computed_.at(index(partition)).get();
}

std::uint64_t RefoldedView::lag(Partition partition, const ViewPosition& view) const {
  return static_cast<std::uint64_t>(
      std::max(std::int64_t{0}, view.position.value - refold(partition).position().value));
}

std::uint64_t RefoldedView::behind(const Targets& targets) const {
  std::uint64_t missing = 0;
  for (const auto& [partition, view] : targets) missing += lag(partition, view);
  return missing;
}

void RefoldedView::reach(const Targets& targets, bool shown) {
  read_up_to(targets, shown);
  check_positions(targets);
}

void RefoldedView::read_up_to(const Targets& targets, bool shown) {
  std::uint64_t missing = behind(targets);
  Progress progress(shown, "records refolded", missing);
  for (const Partition partition : partitions_) {
    if (!targets.contains(partition)) continue;
    reader_wanted_[partition] = lag(partition, targets.at(partition)) > 0;
  }
  int empty_polls = 0;
  while (std::ranges::any_of(reader_wanted_, [](const auto& wanted) { return wanted.second; })) {
    heed_interrupt();
    const auto records = reader_->poll(kPoll);
    empty_polls = records.empty() ? empty_polls + 1 : 0;
    require_more(targets, empty_polls);
    for (const LogRecord& record : records) fold(record, targets);
    for (const Partition partition : std::exchange(rewound_, {})) {
      reader_->seek(partition, refold(partition).position());
    }
    const std::uint64_t still_missing = std::min(missing, behind(targets));
    progress.advance(missing - still_missing);
    missing = still_missing;
  }
}

void RefoldedView::require_more(const Targets& targets, int empty_polls) {
  if (empty_polls > kEmptyPolls) {
    throw Retryable("nothing was decided: the log of " + name_ +
                    " returned no record for 30 s, and did not say that it has no more: see "
                    "whether its brokers are well, then try again");
  }
  if (empty_polls != kSettledPolls) return;
  for (const auto& [partition, wanted] : reader_wanted_) {
    if (!wanted || !reader_->caught_up(partition)) continue;
    // Throws Retryable itself where the log is away, which no reader is told.
    const LogRange range = topology_->range(stream_of(name_), partition);
    throw Corrupt(stream_of(name_) + "/" + std::to_string(partition.value) + " ends at " +
                  std::to_string(range.end.value) + ", its last record is before " +
                  std::to_string(refold(partition).position().value) +
                  ", and the view was folded up to " +
                  std::to_string(targets.at(partition).position.value) +
                  ": the log lost its tail. Restore it, or let `sluice schema apply --refold " +
                  name_ + "` fold anew what there is (docs/start_checks.md)");
  }
}

void RefoldedView::check_positions(const Targets& targets) {
  for (const auto& [partition, view] : targets) {
    const Refold& fold = refold(partition);
    if (ComputedAccount* account = computed(partition)) account->reached(fold.position());
    if (fold.position() != view.position || fold.digest() != view.digest) {
      throw Corrupt("partition " + std::to_string(partition.value) + " of " + name_ +
                    " was folded from another log than this one: at position " +
                    std::to_string(view.position.value) + " the records differ");
    }
  }
}

void RefoldedView::heed_interrupt() const {
  if (shutdown_.token().stop_requested()) throw Retryable("interrupted: nothing was decided");
}

std::vector<AsOfs> RefoldedView::by_partition(const AsOfs& published) const {
  std::vector<AsOfs> parts(computed_.size());
  const int partitions = static_cast<int>(computed_.size());
  for (const auto& each : published) {
    parts.at(index(partition_of(each.first, partitions))).insert(each);
  }
  return parts;
}

std::string RefoldedView::expect(const AsOfs& published) {
  const std::vector<AsOfs> parts = by_partition(published);
  for (std::size_t p = 0; p < computed_.size(); ++p) {
    heed_interrupt();
    const auto too_late = computed_[p]->expect(parts[p]);
    if (!too_late.empty()) return too_late.front();
  }
  return {};
}

std::string RefoldedView::expect_last(const AsOfs& published, const Targets& last) {
  const std::vector<AsOfs> parts = by_partition(published);
  for (std::size_t p = 0; p < computed_.size(); ++p) {
    heed_interrupt();
    const auto view = last.find(partitions_[p]);
    if (view == last.end()) continue;
    const auto too_late = computed_[p]->expect_last(parts[p], view->second.position);
    if (!too_late.empty()) return too_late.front();
  }
  return {};
}

void RefoldedView::resume() {
  for (const Partition partition : held_) {
    reader_->seek(partition, refold(partition).position());
    reader_->pause(partition, false);
  }
  held_.clear();
}

RowComparison RefoldedView::compare(PublishedRows& rows, const google::protobuf::Descriptor& row,
                                    int shown) {
  const auto* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(&row);
  std::size_t at = 0;
  std::unique_ptr<StoredRows> stored;
  const auto next_row = [&]() -> const google::protobuf::Message* {
    heed_interrupt();
    for (;;) {
      if (!stored) {
        if (at == stores_.size()) return nullptr;
        refolds_[at]->write_state();
        stored = std::make_unique<StoredRows>(*stores_[at++], *prototype);
      }
      if (const auto* next = stored->next()) return next;
      stored.reset();
    }
  };
  return rows.compare(row, next_row, shown);
}

RowComparison RefoldedView::compare_decisions(PublishedRows& rows, int shown) {
  std::map<Partition, std::vector<Decision>> all;
  for (const Partition partition : partitions_) {
    refold(partition).write_state();
    all[partition] = refold(partition).decisions();
  }
  return rows.compare_decisions(all, shown);
}

// A record that the view does not reflect is read again when the view has come as far.
void RefoldedView::fold(const LogRecord& record, const Targets& targets) {
  if (rewound_.contains(record.partition)) return;
  const auto target = targets.find(record.partition);
  Refold& refolded = refold(record.partition);
  if (target != targets.end() && record.offset < target->second.position) {
    if (ComputedAccount* account = computed(record.partition)) account->reached(record.offset);
    if (!refolded.fold(record)) {
      rewound_.insert(record.partition);
      return;
    }
    reader_wanted_[record.partition] = refolded.position() < target->second.position;
    return;
  }
  if (!held_.contains(record.partition)) {
    reader_->pause(record.partition, true);
    held_.insert(record.partition);
  }
}

}  // namespace sluice
