#pragma once

// A run: the postings of a span of the log, by ascending hash of their keys, in pages in the store.
// Never changed once written; nothing of it is in memory but its record.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "projectors/engine/key_index/index_page.h"
#include "storage/state_store.h"

namespace sluice::key_index {

// What the store says of a run beside its pages.
struct RunRecord {
  std::uint64_t level = 0;  // 0: of one batch; n + 1: merged from runs of level n
  std::uint64_t entries = 0;
  std::int64_t from = 0;  // all postings are in [from, to), and no other run's are
  std::int64_t to = 0;
  std::uint64_t pages = 0;
  std::uint64_t unfinished =
      0;  // 1: its pages are being written, and those that it is made of stay
};
static_assert(std::has_unique_object_representations_v<RunRecord>);

struct Run {
  std::uint64_t id = 0;
  RunRecord record;
};

// Puts a run's pages into batches, over as many as it takes.
class RunWriter {
 public:
  RunWriter(std::uint64_t id, std::size_t page_bytes) : id_(id), page_bytes_(page_bytes) {}

  // Entries ascend by hash, then by offset.
  void add(const Entry& entry, StateBatch& batch);
  // `record` but for the numbers of entries and pages.
  [[nodiscard]] Run finish(RunRecord record, StateBatch& batch);
  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  void write_page(StateBatch& batch);

  std::uint64_t id_;
  std::size_t page_bytes_;
  PageWriter page_;
  std::uint32_t pages_ = 0;
  std::uint64_t entries_ = 0;
};

// Reads a run's entries in order, page by page. Throws Corrupt when pages are missing.
class RunReader {
 public:
  RunReader(StateStore& store, const Run& run);

  [[nodiscard]] bool valid() const { return page_ != nullptr && page_->valid(); }
  [[nodiscard]] const Entry& entry() const { return page_->entry(); }
  void next();

 private:
  void load();

  StateStore& store_;
  Run run_;
  std::string next_key_;
  std::uint64_t loaded_ = 0;  // pages
  std::string bytes_;
  std::unique_ptr<PageReader> page_;
};

void put_record(const Run& run, StateBatch& batch);
void erase_run(const Run& run, StateBatch& batch);
// Those of the store, in the order of what they span; unfinished ones last. Corrupt: a record
// cannot be read.
[[nodiscard]] std::vector<Run> stored_runs(StateCursor& records);

}  // namespace sluice::key_index
