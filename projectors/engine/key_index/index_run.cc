#include "projectors/engine/key_index/index_run.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "storage/damaged_state.h"

namespace sluice::key_index {

void RunWriter::add(const Entry& entry, StateBatch& batch) {
  page_.add(entry);
  ++entries_;
  if (page_.size() >= page_bytes_) write_page(batch);
}

void RunWriter::write_page(StateBatch& batch) {
  batch.put(page_key(id_, page_.last_hash(), pages_++), page_.finish());
  page_.clear();
}

Run RunWriter::finish(RunRecord record, StateBatch& batch) {
  if (!page_.empty()) write_page(batch);
  record.entries = entries_;
  record.pages = pages_;
  const Run run{id_, record};
  put_record(run, batch);
  return run;
}

RunReader::RunReader(StateStore& store, const Run& run)
    : store_(store), run_(run), next_key_(first_page_key(run.id, 0)) {
  load();
}

void RunReader::next() {
  page_->next();
  if (!page_->valid()) load();
}

void RunReader::load() {
  page_.reset();
  if (loaded_ == run_.record.pages) return;
  const auto pages = store_.scan(next_key_, pages_end(run_.id));
  if (!pages->valid()) throw DamagedState("key index: the store lacks a page of a run");
  bytes_.assign(pages->value());
  next_key_.assign(pages->key()).push_back('\0');
  ++loaded_;
  page_ = std::make_unique<PageReader>(bytes_);
  if (!page_->valid()) throw DamagedState("key index: a page of a run is empty");
}

void put_record(const Run& run, StateBatch& batch) {
  batch.put(key_of(kRecords, run.id),
            {reinterpret_cast<const char*>(&run.record), sizeof run.record});
}

void erase_run(const Run& run, StateBatch& batch) {
  batch.erase_range(first_page_key(run.id, 0), pages_end(run.id));
  batch.erase(key_of(kRecords, run.id));
}

std::vector<Run> stored_runs(StateCursor& records) {
  std::vector<Run> runs;
  for (; records.valid(); records.next()) {
    Run run{number_at(records.key(), kRecords.size()), {}};
    if (records.value().size() != sizeof run.record) {
      throw DamagedState("key index: the record of a run has another size");
    }
    std::memcpy(&run.record, records.value().data(), sizeof run.record);
    runs.push_back(run);
  }
  std::ranges::sort(
      runs, {}, [](const Run& run) { return std::tuple(run.record.unfinished, run.record.from); });
  return runs;
}

}  // namespace sluice::key_index
