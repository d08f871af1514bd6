#include "projectors/engine/key_index/key_index.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <list>
#include <utility>
#include <vector>

#include "projectors/engine/key_index/added_postings.h"
#include "projectors/engine/key_index/index_merge.h"
#include "projectors/engine/key_index/key_lookup.h"
#include "storage/base/check.h"

namespace sluice {

using key_index::AddedPostings;
using key_index::Entry;
using key_index::Merge;
using key_index::Run;
using key_index::RunWriter;

std::uint64_t hash_of_key(std::string_view key) { return XXH3_64bits(key.data(), key.size()); }

namespace {

std::int64_t in_ms(Time time) { return time.time_since_epoch().count(); }

}  // namespace

struct KeyIndex::Parts {
  std::vector<Run> runs;  // whole ones, in the order of what they span
  std::list<Merge> merges;
  std::vector<Run> unfinished;  // of merges that a crash has ended
  std::uint64_t next_run = 1;

  AddedPostings added;  // since the last write
  std::vector<std::pair<Offset, Time>> times;
  std::optional<Offset> last_time;  // the newest, written or not

  // The record at hand.
  Offset offset;
  std::uint64_t hash = 0;
  bool has_key = false;

  void load(StateStore& store);
  void merge(StateStore& store, const KeyIndexShape& shape, StateBatch& batch);
  void start_merges(StateStore& store, const KeyIndexShape& shape, StateBatch& batch);
  void replace(const Merge& merge, const Run& output);
  [[nodiscard]] bool merging(const Run& run) const;
  void write_run(const KeyIndexShape& shape, Offset to, StateBatch& batch);
};

KeyIndex::KeyIndex(StateStore& store, const KeyIndexShape& shape) : store_(store) {
  set_shape(shape);
}

void KeyIndex::set_shape(const KeyIndexShape& shape) {
  shape_ = shape;
  CHECK(shape.page_bytes > 0 && shape.fan_in > 1 && shape.merge_pace > 1 && shape.time_every > 0,
        "runs have pages, and merges keep up");
}

KeyIndex::~KeyIndex() = default;

void KeyIndex::load(bool kept) {
  parts_.reset();
  if (!kept) return;
  auto parts = std::make_unique<Parts>();
  parts->load(store_);
  parts_ = std::move(parts);
}

void KeyIndex::Parts::load(StateStore& store) {
  const auto records = store.scan(key_index::kRecords, key_index::kRecordsEnd);
  for (const Run& run : key_index::stored_runs(*records)) {
    next_run = std::max(next_run, run.id + 1);
    (run.record.unfinished != 0 ? unfinished : runs).push_back(run);
  }
}

void KeyIndex::meet(Offset offset, std::string_view key, Time record_time) {
  if (!parts_) return;
  Parts& p = *parts_;
  p.offset = offset;
  p.has_key = !key.empty();
  if (p.has_key) p.hash = hash_of_key(key);
  if (p.last_time && offset.value - p.last_time->value < shape_.time_every) return;
  p.last_time = offset;
  p.times.emplace_back(offset, record_time);
}

void KeyIndex::fired(std::string_view key, Time record_time) {
  if (!parts_ || key.empty()) return;
  Parts& p = *parts_;
  const std::uint64_t hash = hash_of_key(key);
  // The record's own key has it fired by being folded.
  if (p.has_key && hash == p.hash) return;
  const Entry entry{hash, {p.offset, Posting::Kind::fired, false, in_ms(record_time)}};
  // Several that fire at once are one turn.
  if (!p.added.repeats(entry)) p.added.add(entry);
}

void KeyIndex::add(Posting posting) {
  if (!parts_ || !parts_->has_key) return;
  posting.offset = parts_->offset;
  parts_->added.add({parts_->hash, posting});
}

void KeyIndex::write(StateBatch& batch, Offset to) {
  if (!parts_) return;
  Parts& p = *parts_;
  for (const Run& run : std::exchange(p.unfinished, {})) key_index::erase_run(run, batch);
  // Before the new run, which is not in the store yet.
  p.merge(store_, shape_, batch);
  for (const auto& [offset, time] : p.times) {
    const std::int64_t ms = in_ms(time);
    batch.put(key_index::key_of(key_index::kTimes, static_cast<std::uint64_t>(offset.value)),
              {reinterpret_cast<const char*>(&ms), sizeof ms});
  }
  p.times.clear();
  if (!p.added.empty()) p.write_run(shape_, to, batch);
}

bool KeyIndex::Parts::merging(const Run& run) const {
  return std::ranges::any_of(merges, [&](const Merge& merge) {
    return std::ranges::any_of(merge.inputs(), [&](const Run& in) { return in.id == run.id; });
  });
}

void KeyIndex::Parts::merge(StateStore& store, const KeyIndexShape& shape, StateBatch& batch) {
  start_merges(store, shape, batch);
  const std::size_t entries = std::max(shape.merge_least, added.size() * shape.merge_pace);
  for (auto merge = merges.begin(); merge != merges.end();) {
    merge->step(entries, batch);
    if (!merge->done()) {
      ++merge;
      continue;
    }
    replace(*merge, merge->finish(batch));
    merge = merges.erase(merge);
  }
}

// One of a level at a time, so that a level's pace is its own.
void KeyIndex::Parts::start_merges(StateStore& store, const KeyIndexShape& shape,
                                   StateBatch& batch) {
  std::vector<Run> same;
  const auto start = [&] {
    const bool busy = std::ranges::any_of(
        merges, [&](const Merge& merge) { return merge.level() == same.front().record.level; });
    if (!busy) merges.emplace_back(store, same, next_run++, shape.page_bytes, batch);
    same.clear();
  };
  for (const Run& run : runs) {
    if (merging(run)) {
      same.clear();
      continue;
    }
    if (!same.empty() && same.back().record.level != run.record.level) same.clear();
    same.push_back(run);
    if (same.size() == shape.fan_in) start();
  }
}

void KeyIndex::Parts::replace(const Merge& merge, const Run& output) {
  const auto first = std::ranges::find(runs, merge.inputs().front().id, &Run::id);
  CHECK(first != runs.end(), "a merge's inputs stay until it is finished");
  *first = output;
  runs.erase(first + 1, first + static_cast<std::ptrdiff_t>(merge.inputs().size()));
}

void KeyIndex::Parts::write_run(const KeyIndexShape& shape, Offset to, StateBatch& batch) {
  RunWriter writer(next_run++, shape.page_bytes);
  added.sort();
  for (std::size_t i = 0; i < added.size(); ++i) writer.add(added.entry(i), batch);
  const std::int64_t from = runs.empty() ? 0 : runs.back().record.to;
  runs.push_back(writer.finish({.from = from, .to = to.value}, batch));
  added.clear();
}

void KeyIndex::forget_unwritten() {
  if (!parts_) return;
  parts_->added.clear();
  parts_->times.clear();
  // The next record has one, which may be one more than needed.
  parts_->last_time.reset();
}

Postings KeyIndex::unwritten(std::string_view key) const {
  return parts_ ? parts_->added.of(hash_of_key(key)) : Postings{};
}

std::size_t KeyIndex::bytes() const { return parts_ ? parts_->added.bytes() : 0; }

std::size_t KeyIndex::unwritten_bytes() const { return parts_ ? parts_->added.bytes_in_use() : 0; }

}  // namespace sluice
