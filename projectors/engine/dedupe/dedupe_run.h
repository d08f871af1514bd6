#pragma once

// A run: marks of distinct ids in ascending order, in pages in the store. Never changed once
// written; read with one page a look-up.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/dedupe/dedupe_mark.h"
#include "projectors/engine/dedupe/id_filter.h"
#include "storage/state_store.h"

namespace sluice::dedupe {

// What the store says of a run beside its pages. A run belongs to a segment; among its runs a
// higher `order` is a later time.
struct RunRecord {
  std::uint64_t segment = 0;
  std::uint64_t segment_capacity = 0;
  std::uint64_t order = 0;
  std::uint64_t level = 0;  // 0: was the open set; n + 1: merged from runs of up to n
  std::uint64_t marks = 0;
  std::int64_t oldest_ms = 0;
  std::int64_t newest_ms = 0;
};
static_assert(std::has_unique_object_representations_v<RunRecord>);

class Run {
 public:
  Run(std::uint64_t id, const RunRecord& record) : id_(id), record_(record) {}

  // `page` is scratch. Throws Corrupt when the store lacks a page.
  [[nodiscard]] std::optional<Mark> find(StateStore& store, EventId id, std::string& page) const;

  void add_page(EventId first) { first_ids_.push_back(first); }
  void set_record(const RunRecord& record) { record_ = record; }
  void set_filter(IdFilter filter) { filter_ = std::move(filter); }

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] const RunRecord& record() const { return record_; }
  [[nodiscard]] std::size_t pages() const { return first_ids_.size(); }
  [[nodiscard]] IdFilter& filter() { return filter_; }
  [[nodiscard]] const IdFilter& filter() const { return filter_; }
  [[nodiscard]] std::size_t bytes() const {
    return sizeof(Run) + first_ids_.capacity() * sizeof(EventId) + filter_.bytes();
  }

 private:
  std::uint64_t id_;
  RunRecord record_;
  std::vector<EventId> first_ids_;  // of each page
  IdFilter filter_;
};

// Puts a run's pages into batches, over as many as it takes, and its record into the last.
class RunWriter {
 public:
  RunWriter(std::uint64_t id, std::size_t page_marks) : run_(id, {}), page_marks_(page_marks) {}

  // Ids ascend.
  void add(const Mark& mark, StateBatch& batch);
  // `record` but for the number of marks.
  [[nodiscard]] std::unique_ptr<Run> finish(RunRecord record, StateBatch& batch);

  [[nodiscard]] std::uint64_t id() const { return run_.id(); }
  [[nodiscard]] std::size_t bytes() const { return run_.bytes() + page_.capacity() * sizeof(Mark); }

 private:
  void write_page(StateBatch& batch);

  Run run_;
  std::size_t page_marks_;
  std::vector<Mark> page_;
  std::uint64_t marks_ = 0;
};

// Reads a run's marks in order, page by page.
class RunReader {
 public:
  RunReader(StateStore& store, const Run& run);

  [[nodiscard]] bool valid() const { return next_ < marks_; }
  [[nodiscard]] const Mark& mark() const { return mark_; }
  void next();
  [[nodiscard]] std::size_t bytes() const { return sizeof(RunReader) + page_.capacity(); }

 private:
  void load();

  StateStore& store_;
  std::uint64_t run_;
  std::size_t pages_;
  std::uint32_t next_page_ = 0;
  std::string page_;
  std::size_t marks_ = 0;  // in the page
  std::size_t next_ = 0;
  Mark mark_;
};

void erase_pages(std::uint64_t run, StateBatch& batch);
void erase_run(std::uint64_t run, StateBatch& batch);

}  // namespace sluice::dedupe
