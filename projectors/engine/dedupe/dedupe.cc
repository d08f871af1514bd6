#include "projectors/engine/dedupe/dedupe.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <ranges>
#include <utility>

#include "projectors/engine/dedupe/dedupe_merge.h"
#include "projectors/engine/dedupe/dedupe_open_set.h"
#include "projectors/engine/dedupe/dedupe_segment.h"
#include "projectors/engine/dedupe/dedupe_stored.h"
#include "storage/base/check.h"
#include "storage/damaged_state.h"

namespace sluice {

using dedupe::IdFilter;
using dedupe::Mark;
using dedupe::Merge;
using dedupe::OpenSet;
using dedupe::Run;
using dedupe::RunRecord;
using dedupe::RunWriter;
using dedupe::Segment;

namespace {

constexpr std::int64_t kNoTime = std::numeric_limits<std::int64_t>::min();

std::int64_t in_ms(Time time) { return time.time_since_epoch().count(); }

}  // namespace

struct DedupeWindow::Parts {
  StateStore& store;
  const std::int64_t horizon_ms;
  const DedupeShape shape;

  OpenSet open;
  std::size_t unwritten = 0;  // the last so many marks of the open set
  bool blocks_in_store = false;
  std::int64_t last_to = -1;  // of the newest block
  std::int64_t last_mark_ms = kNoTime;
  std::vector<Segment> segments;  // older to newer
  std::optional<Merge> merge;
  std::vector<std::uint64_t> orphans;  // runs without a record: a merge that was not finished
  std::uint64_t next_run = 1;
  std::size_t filter_bytes = 0;  // told to shape.filters
  std::string page;              // scratch

  Parts(StateStore& store_in, std::chrono::milliseconds horizon, const DedupeShape& shape_in)
      : store(store_in), horizon_ms(horizon.count()), shape(shape_in), open(shape_in.open_marks) {
    CHECK(horizon_ms > 0 && shape.open_marks > 0 && shape.page_marks > 0 && shape.slices > 0 &&
              shape.fan_in > 1 && shape.merge_pace > 1,
          "a window has marks, pages and time, and merges keep up");
  }

  ~Parts() { count_filters(0); }
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  void load();
  void learn_last_mark();
  void drop_aged_out(std::int64_t expired_ms, StateBatch& batch);
  void merge_some(std::size_t marks, StateBatch& batch);
  void start_merge();
  void write_block(Offset to, StateBatch& batch);
  [[nodiscard]] bool seal_due(std::int64_t now_ms) const;
  void seal(std::int64_t expired_ms, StateBatch& batch);
  Segment& segment_for(std::uint64_t run, std::uint64_t marks, std::int64_t oldest_ms);
  [[nodiscard]] std::size_t filter_bytes_max() const;
  void fit_filters();
  void tell_filters();
  void count_filters(std::size_t held);
  [[nodiscard]] std::int64_t slice_ms() const {
    return horizon_ms / static_cast<std::int64_t>(shape.slices);
  }
};

DedupeWindow::DedupeWindow(StateStore& store, std::chrono::milliseconds horizon, DedupeShape shape)
    : store_(store), horizon_(horizon), shape_(shape) {}

DedupeWindow::~DedupeWindow() = default;

DedupeWindow::Parts& DedupeWindow::parts() const {
  CHECK(parts_ != nullptr, "a reload() comes first, and again after one that failed");
  return *parts_;
}

void DedupeWindow::prefetch(EventId id) const {
  const Parts& p = parts();
  p.open.prefetch(id);
  for (const Segment& segment : p.segments) {
    segment.prefetch(id);
  }
}

std::optional<std::uint64_t> DedupeWindow::seen(EventId id, Time record_time) {
  Parts& p = parts();
  const std::int64_t expired_ms = in_ms(record_time) - p.horizon_ms;
  // All cache lines on their way before the first is looked at.
  prefetch(id);
  // From new to old: the first mark found is the newest one, and decides.
  if (const Mark* mark = p.open.find(id)) {
    return mark->time_ms > expired_ms ? std::optional(mark->content) : std::nullopt;
  }
  for (const Segment& segment : std::views::reverse(p.segments)) {
    if (segment.newest_ms() <= expired_ms) break;
    if (!segment.may_hold(id)) continue;
    if (const auto mark = segment.find(p.store, id, p.page)) {
      return mark->time_ms > expired_ms ? std::optional(mark->content) : std::nullopt;
    }
  }
  return std::nullopt;
}

void DedupeWindow::mark(EventId id, std::uint64_t content, Time record_time) {
  Parts& p = parts();
  const std::int64_t now_ms = in_ms(record_time);
  // Record time never goes back, so that it is the store which has another.
  if (now_ms < p.last_mark_ms) throw DamagedState("dedupe: a mark is of a later record time");
  p.last_mark_ms = now_ms;
  p.open.add({id, content, now_ms});
  ++p.unwritten;
}

void DedupeWindow::write(StateBatch& batch, Offset to, Time record_time) {
  Parts& p = parts();
  const std::int64_t now_ms = in_ms(record_time);
  const std::int64_t expired_ms = now_ms - p.horizon_ms;
  for (const std::uint64_t run : p.orphans) {
    dedupe::erase_pages(run, batch);
  }
  p.orphans.clear();
  p.drop_aged_out(expired_ms, batch);
  // Before sealing: a merge reads from the store, which has no run that this batch writes.
  p.merge_some(std::max(p.shape.merge_marks_min, p.unwritten * p.shape.merge_pace), batch);
  if (p.seal_due(now_ms)) {
    p.seal(expired_ms, batch);
  } else {
    p.write_block(to, batch);
  }
}

void DedupeWindow::reload() {
  parts_.reset();  // First: two windows may be more than the memory there is.
  auto parts = std::make_unique<Parts>(store_, horizon_, shape_);
  parts->load();
  parts_ = std::move(parts);
}

void DedupeWindow::forget_unwritten() {
  Parts& p = parts();
  if (p.unwritten == 0) return;
  p.open.forget_last(p.unwritten);
  p.unwritten = 0;
  p.learn_last_mark();
}

std::size_t DedupeWindow::bytes() const {
  if (!parts_) return 0;
  std::size_t bytes = sizeof(Parts) + parts().open.bytes();
  for (const Segment& segment : parts().segments) {
    bytes += segment.bytes();
  }
  if (const auto& merge = parts().merge) bytes += merge->bytes();
  return bytes;
}

void DedupeWindow::Parts::load() {
  dedupe::Stored stored = dedupe::load(store, filter_bytes_max());
  segments = std::move(stored.segments);
  orphans = std::move(stored.orphans);
  next_run = stored.next_run;
  last_to = stored.last_to;
  blocks_in_store = !stored.open.empty();
  for (const Mark& mark : stored.open) {
    open.add(mark);
  }
  tell_filters();
  learn_last_mark();
}

void DedupeWindow::Parts::learn_last_mark() {
  last_mark_ms = kNoTime;
  if (!open.marks().empty()) {
    last_mark_ms = open.marks().back().time_ms;
  } else if (!segments.empty()) {
    last_mark_ms = segments.back().newest_ms();
  }
}

void DedupeWindow::Parts::drop_aged_out(std::int64_t expired_ms, StateBatch& batch) {
  const auto kept = std::ranges::find_if(
      segments, [&](const Segment& segment) { return segment.newest_ms() > expired_ms; });
  for (const Segment& segment : std::ranges::subrange(segments.begin(), kept)) {
    if (merge && merge->segment() == segment.id()) {
      merge->abandon(batch);
      merge.reset();
    }
    for (const auto& run : segment.runs()) {
      dedupe::erase_run(run->id(), batch);
    }
  }
  segments.erase(segments.begin(), kept);
}

void DedupeWindow::Parts::merge_some(std::size_t marks, StateBatch& batch) {
  if (!merge) {
    start_merge();
  }
  if (!merge) {
    return;
  }
  merge->step(marks, batch);
  if (merge->done()) {
    const auto segment = std::ranges::find(segments, merge->segment(), &Segment::id);
    CHECK(segment != segments.end(), "a merge ends with its segment");
    std::unique_ptr<Run> output = merge->finish(batch);
    segment->replace(merge->inputs(), std::move(output));
    merge.reset();
  }
}

void DedupeWindow::Parts::start_merge() {
  for (Segment& segment : segments) {
    const bool closed = &segment != &segments.back();
    if (auto inputs = segment.mergeable(closed, shape.fan_in); !inputs.empty()) {
      merge.emplace(store, std::move(inputs), next_run++, shape.page_marks);
      return;
    }
  }
}

void DedupeWindow::Parts::write_block(Offset to, StateBatch& batch) {
  if (unwritten == 0) {
    return;
  }
  // A mark is of a record before `to`, and not before the last write's.
  if (to.value <= last_to) throw DamagedState("dedupe: a mark is of a record that comes later");
  batch.put(dedupe::key_of(dedupe::kBlocks, static_cast<std::uint64_t>(to.value)),
            dedupe::bytes_of(std::span(open.marks()).last(unwritten)));
  last_to = to.value;
  unwritten = 0;
  blocks_in_store = true;
}

bool DedupeWindow::Parts::seal_due(std::int64_t now_ms) const {
  const std::vector<Mark>& marks = open.marks();
  return !marks.empty() &&
         (marks.size() >= shape.open_marks ||
          marks.front().time_ms <= now_ms - std::max<std::int64_t>(slice_ms(), 1));
}

void DedupeWindow::Parts::seal(std::int64_t expired_ms, StateBatch& batch) {
  const std::vector<Mark> marks = open.sorted(expired_ms);
  open.clear();
  unwritten = 0;
  if (blocks_in_store) {
    batch.erase_range(dedupe::kBlocks, dedupe::kBlocksEnd);
    blocks_in_store = false;
  }
  if (marks.empty()) {
    return;
  }
  const auto [oldest, newest] = std::ranges::minmax_element(marks, {}, &Mark::time_ms);
  const std::uint64_t id = next_run++;
  Segment& segment = segment_for(id, marks.size(), oldest->time_ms);
  RunWriter writer(id, shape.page_marks);
  IdFilter run_filter(marks.size());
  for (const Mark& mark : marks) {
    writer.add(mark, batch);
    run_filter.add(mark.id);
    segment.filter().add(mark.id);
  }
  const RunRecord record{.segment = segment.id(),
                         .segment_capacity = segment.capacity(),
                         .order = id,
                         .oldest_ms = oldest->time_ms,
                         .newest_ms = newest->time_ms};
  std::unique_ptr<Run> run = writer.finish(record, batch);
  run->set_filter(std::move(run_filter));
  segment.add(std::move(run));
  fit_filters();
}

Segment& DedupeWindow::Parts::segment_for(std::uint64_t run, std::uint64_t marks,
                                          std::int64_t oldest_ms) {
  if (!segments.empty() && segments.back().has_room(marks, oldest_ms, slice_ms())) {
    return segments.back();
  }
  // As large as keeps the number of filters small, but no larger than the stream has shown to need:
  // a quiet partition's marks age before the open set is full.
  std::uint64_t live = marks;
  for (const Segment& segment : segments) {
    live += segment.marks();
  }
  std::uint64_t capacity = marks;
  if (marks >= shape.open_marks) {
    const std::uint64_t before = segments.empty() ? 0 : segments.back().marks();
    capacity = std::max(
        marks,
        std::min<std::uint64_t>(4 * std::max(marks, before),
                                std::max<std::uint64_t>(shape.segment_marks, live / shape.slices)));
  }
  segments.emplace_back(run, capacity);
  segments.back().set_filter(IdFilter(capacity));
  return segments.back();
}

std::size_t DedupeWindow::Parts::filter_bytes_max() const {
  if (shape.filters == nullptr) return shape.filter_bytes_max;
  return std::max(shape.filter_bytes_max, shape.filters->left_beside(filter_bytes));
}

void DedupeWindow::Parts::fit_filters() {
  const std::size_t most = filter_bytes_max();
  std::size_t wanted = 0;
  for (Segment& segment : std::views::reverse(segments)) {
    wanted += segment.filter_bytes();
    if (wanted > most) segment.drop_filters();
  }
  tell_filters();
}

void DedupeWindow::Parts::tell_filters() {
  std::size_t held = 0;
  for (const Segment& segment : segments) held += segment.filter_bytes();
  count_filters(held);
}

void DedupeWindow::Parts::count_filters(std::size_t held) {
  if (shape.filters == nullptr) return;
  shape.filters->count(static_cast<std::ptrdiff_t>(held) -
                       static_cast<std::ptrdiff_t>(std::exchange(filter_bytes, held)));
}

}  // namespace sluice
