#include "projectors/engine/dedupe/dedupe_run.h"

#include <algorithm>

#include "storage/base/check.h"
#include "storage/damaged_state.h"

namespace sluice::dedupe {
namespace {

void read_page(StateStore& store, std::uint64_t run, std::size_t number, std::string& page) {
  if (!store.get(page_key(run, static_cast<std::uint32_t>(number)), page)) {
    throw DamagedState("dedupe: the store lacks a page of a run");
  }
}

}  // namespace

std::optional<Mark> Run::find(StateStore& store, EventId id, std::string& page) const {
  const auto after = std::upper_bound(first_ids_.begin(), first_ids_.end(), id);
  if (after == first_ids_.begin()) {
    return std::nullopt;
  }
  read_page(store, id_, static_cast<std::size_t>(after - first_ids_.begin()) - 1, page);
  std::size_t begin = 0;
  std::size_t end = mark_count(page);
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    const Mark mark = mark_at(page, middle);
    if (mark.id == id) {
      return mark;
    }
    if (mark.id < id) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return std::nullopt;
}

void RunWriter::add(const Mark& mark, StateBatch& batch) {
  page_.push_back(mark);
  ++marks_;
  if (page_.size() == page_marks_) {
    write_page(batch);
  }
}

void RunWriter::write_page(StateBatch& batch) {
  batch.put(page_key(run_.id(), static_cast<std::uint32_t>(run_.pages())), bytes_of(page_));
  run_.add_page(page_.front().id);
  page_.clear();
}

std::unique_ptr<Run> RunWriter::finish(RunRecord record, StateBatch& batch) {
  if (!page_.empty()) {
    write_page(batch);
  }
  record.marks = marks_;
  batch.put(key_of(kRecords, run_.id()), {reinterpret_cast<const char*>(&record), sizeof(record)});
  run_.set_record(record);
  return std::make_unique<Run>(std::move(run_));
}

RunReader::RunReader(StateStore& store, const Run& run)
    : store_(store), run_(run.id()), pages_(run.pages()) {
  load();
}

void RunReader::next() {
  if (++next_ == marks_) {
    load();
  } else {
    mark_ = mark_at(page_, next_);
  }
}

void RunReader::load() {
  if (next_page_ == pages_) {
    return;
  }
  read_page(store_, run_, next_page_++, page_);
  marks_ = mark_count(page_);
  next_ = 0;
  if (marks_ == 0) {
    throw DamagedState("dedupe: a page of a run is empty");
  }
  mark_ = mark_at(page_, 0);
}

void erase_pages(std::uint64_t run, StateBatch& batch) {
  batch.erase_range(key_of(kPages, run), key_of(kPages, run + 1));
}

void erase_run(std::uint64_t run, StateBatch& batch) {
  erase_pages(run, batch);
  batch.erase(key_of(kRecords, run));
}

}  // namespace sluice::dedupe
