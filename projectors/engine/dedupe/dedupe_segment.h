#pragma once

// A slice of the horizon: its runs, and one filter over all their ids.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/dedupe/dedupe_run.h"

namespace sluice::dedupe {

class Segment {
 public:
  Segment(std::uint64_t id, std::uint64_t capacity) : id_(id), capacity_(capacity) {}

  // Older to newer, whether or not they were written or loaded.
  void add(std::unique_ptr<Run> run);
  // In the place of the runs it was merged from.
  void replace(const std::vector<const Run*>& inputs, std::unique_ptr<Run> output);
  [[nodiscard]] bool has_room(std::uint64_t marks, std::int64_t oldest_ms,
                              std::int64_t slice_ms) const;

  // What a merge should make one run of; none when there is nothing to merge. A closed segment
  // gets no more runs.
  [[nodiscard]] std::vector<const Run*> mergeable(bool closed, std::size_t fan_in) const;

  void prefetch(EventId id) const { filter_.prefetch(id); }
  [[nodiscard]] bool may_hold(EventId id) const { return filter_.may_hold(id); }
  // The newest mark of the id.
  [[nodiscard]] std::optional<Mark> find(StateStore& store, EventId id, std::string& page) const;

  void set_filter(IdFilter filter) { filter_ = std::move(filter); }
  [[nodiscard]] IdFilter& filter() { return filter_; }
  [[nodiscard]] const IdFilter& filter() const { return filter_; }
  // From here on every id may be held, as far as is known without the store.
  void drop_filters();

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] std::uint64_t capacity() const { return capacity_; }
  [[nodiscard]] std::uint64_t marks() const { return marks_; }
  [[nodiscard]] std::int64_t newest_ms() const { return newest_ms_; }
  [[nodiscard]] const std::vector<std::unique_ptr<Run>>& runs() const { return runs_; }
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] std::size_t filter_bytes() const;

 private:
  std::uint64_t id_;
  std::uint64_t capacity_;
  std::uint64_t marks_ = 0;
  std::int64_t newest_ms_ = 0;
  IdFilter filter_;
  std::vector<std::unique_ptr<Run>> runs_;
};

}  // namespace sluice::dedupe
