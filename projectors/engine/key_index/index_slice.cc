#include "projectors/engine/key_index/index_slice.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <tuple>

#include "projectors/engine/key_index/index_run.h"
#include "storage/base/check.h"
#include "storage/damaged_state.h"

namespace sluice {
namespace {

using key_index::Entry;
using key_index::PageReader;
using key_index::Run;

// A run's entries from a hash on, over the pages that the scan lends.
class RunCursor {
 public:
  RunCursor(const ScanState& scan, const Run& run, std::uint64_t first)
      : pages_(scan(key_index::first_page_key(run.id, first), key_index::pages_end(run.id))) {
    open();
    skip_to(first);
  }
  [[nodiscard]] bool valid() const { return page_.has_value(); }
  [[nodiscard]] const Entry& entry() const {
    CHECK(page_.has_value(), "who asks for an entry has asked whether there is one");
    return page_->entry();
  }
  void next() {
    CHECK(page_.has_value(), "who goes on has asked whether there is an entry");
    page_->next();
    if (page_->valid()) return;
    pages_->next();
    open();
  }
  void skip_to(std::uint64_t hash) {
    // A page that ends before it need not be read.
    while (valid() && key_index::last_hash_of(pages_->key()) < hash) {
      pages_->next();
      open();
    }
    while (valid() && entry().hash < hash) next();
  }

  // Goes on to the hash.
  [[nodiscard]] bool has(std::uint64_t hash) {
    skip_to(hash);
    return valid() && entry().hash == hash;
  }

 private:
  void open() {
    page_.reset();
    if (!pages_->valid()) return;
    page_.emplace(pages_->value());
    if (!page_->valid()) throw DamagedState("key index: a page of a run is empty");
  }

  std::unique_ptr<StateCursor> pages_;
  std::optional<PageReader> page_;
};

std::vector<Run> whole_runs(const ScanState& scan, Offset from) {
  const auto records = scan(key_index::kRecords, key_index::kRecordsEnd);
  std::vector<Run> runs = key_index::stored_runs(*records);
  std::erase_if(runs, [&](const Run& run) {
    return run.record.unfinished != 0 || run.record.to <= from.value;
  });
  return runs;
}

class Slicing {
 public:
  Slicing(const ScanState& scan, const SliceBounds& bounds) : bounds_(bounds) {
    for (const Run& run : whole_runs(scan, bounds.from)) {
      cursors_.emplace_back(scan, run, bounds.first);
    }
  }

  IndexSlice run() {
    for (auto hash = smallest(); hash.has_value() && *hash <= bounds_.last; hash = smallest()) {
      if (!take(*hash)) {
        slice_.next = *hash;
        break;
      }
    }
    // A record by which another key's timers fire does so before it is folded.
    std::ranges::stable_sort(slice_.postings, {}, [](const Posting& posting) {
      return std::tuple(posting.offset, posting.kind != Posting::Kind::fired);
    });
    return std::move(slice_);
  }

 private:
  [[nodiscard]] std::optional<std::uint64_t> smallest() const {
    std::optional<std::uint64_t> hash;
    for (const RunCursor& cursor : cursors_) {
      if (cursor.valid() && (!hash || cursor.entry().hash < *hash)) hash = cursor.entry().hash;
    }
    return hash;
  }

  // False: there is no room for it beside the others.
  bool take(std::uint64_t hash) {
    const std::size_t before = slice_.postings.size();
    std::size_t met = 0;
    // Runs are in the order of what they span, so that a key's postings ascend.
    for (RunCursor& cursor : cursors_) {
      for (; cursor.valid() && cursor.entry().hash == hash; cursor.next()) {
        const Offset offset = cursor.entry().posting.offset;
        if (offset < bounds_.from || offset >= bounds_.before) continue;
        // Of one that is left out it is known how many they are.
        if (++met <= bounds_.of_one_max) slice_.postings.push_back(cursor.entry().posting);
      }
    }
    if (met > bounds_.of_one_max) {
      slice_.postings.resize(before);
      slice_.left_out.push_back({hash, met});
    } else if (before > 0 && slice_.postings.size() > bounds_.postings_max) {
      slice_.postings.resize(before);
      return false;
    } else if (met > 0) {
      slice_.groups.push_back({hash, met});
    }
    return true;
  }

  const SliceBounds bounds_;
  std::deque<RunCursor> cursors_;
  IndexSlice slice_;
};

}  // namespace

IndexSlice slice_of(const ScanState& scan, const SliceBounds& bounds) {
  return Slicing(scan, bounds).run();
}

std::uint64_t entries_in(const ScanState& scan) {
  std::uint64_t entries = 0;
  for (const Run& run : whole_runs(scan, Offset{-1})) entries += run.record.entries;
  return entries;
}

std::vector<std::uint64_t> unknown_hashes(const ScanState& scan,
                                          std::span<const std::uint64_t> hashes) {
  std::vector<std::uint64_t> unknown(hashes.begin(), hashes.end());
  for (const Run& run : whole_runs(scan, Offset{-1})) {
    if (unknown.empty()) break;
    std::optional<RunCursor> cursor;
    // Far from one to the next a search is cheaper than walking; near, the page is the same.
    constexpr std::size_t kFew = 256;
    const bool searches = unknown.size() < kFew;
    std::erase_if(unknown, [&](std::uint64_t hash) {
      if (searches || !cursor) cursor.emplace(scan, run, hash);
      return cursor->has(hash);
    });
  }
  return unknown;
}

}  // namespace sluice
