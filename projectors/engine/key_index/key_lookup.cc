#include "projectors/engine/key_index/key_lookup.h"

#include <cstring>

#include "projectors/engine/key_index/index_run.h"
#include "storage/damaged_state.h"

namespace sluice {
namespace {

using key_index::PageReader;
using key_index::Run;

void find(const ScanState& scan, const Run& run, std::uint64_t hash, Offset below,
          Postings& found) {
  auto page = scan(key_index::first_page_key(run.id, hash), key_index::pages_end(run.id));
  for (; page->valid(); page->next()) {
    for (PageReader entries(page->value()); entries.valid(); entries.next()) {
      if (entries.entry().hash > hash) return;
      if (entries.entry().hash < hash) continue;
      if (entries.entry().posting.offset >= below) return;
      found.push_back(entries.entry().posting);
    }
    if (key_index::last_hash_of(page->key()) > hash) return;
  }
}

}  // namespace

Postings postings_of(const ScanState& scan, std::string_view key, Offset below) {
  Postings found;
  const std::uint64_t hash = hash_of_key(key);
  const auto records = scan(key_index::kRecords, key_index::kRecordsEnd);
  for (const Run& run : key_index::stored_runs(*records)) {
    if (run.record.unfinished != 0 || run.record.from >= below.value) continue;
    find(scan, run, hash, below, found);
  }
  return found;
}

std::optional<TimeMark> last_mark_not_after(const ScanState& scan, Time time) {
  std::optional<TimeMark> last;
  auto mark = scan(key_index::kTimes, key_index::kTimesEnd);
  for (; mark->valid(); mark->next()) {
    std::int64_t ms = 0;
    if (mark->value().size() != sizeof ms) throw DamagedState("key index: a time cannot be read");
    std::memcpy(&ms, mark->value().data(), sizeof ms);
    const Time before{std::chrono::milliseconds(ms)};
    // Record time never goes back.
    if (before > time) break;
    const std::uint64_t offset = key_index::number_at(mark->key(), key_index::kTimes.size());
    last = TimeMark{Offset{static_cast<std::int64_t>(offset)}, before};
  }
  return last;
}

}  // namespace sluice
