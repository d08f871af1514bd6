#include "projectors/engine/dedupe/dedupe_segment.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice::dedupe {

void Segment::add(std::unique_ptr<Run> run) {
  CHECK(runs_.empty() || runs_.back()->record().order < run->record().order,
        "marks are made in record-time order");
  marks_ += run->record().marks;
  newest_ms_ = run->record().newest_ms;
  runs_.push_back(std::move(run));
}

void Segment::replace(const std::vector<const Run*>& inputs, std::unique_ptr<Run> output) {
  const auto first = std::find_if(runs_.begin(), runs_.end(),
                                  [&](const auto& run) { return run.get() == inputs.front(); });
  CHECK(first != runs_.end(), "a merge's inputs stay until it is finished");
  marks_ += output->record().marks;
  for (const Run* run : inputs) {
    marks_ -= run->record().marks;
  }
  *first = std::move(output);
  runs_.erase(first + 1, first + static_cast<std::ptrdiff_t>(inputs.size()));
}

bool Segment::has_room(std::uint64_t marks, std::int64_t oldest_ms, std::int64_t slice_ms) const {
  return marks_ + marks <= capacity_ && oldest_ms - runs_.front()->record().oldest_ms <= slice_ms;
}

std::vector<const Run*> Segment::mergeable(bool closed, std::size_t fan_in) const {
  std::vector<const Run*> found;
  for (const auto& run : runs_) {
    if (!closed && !found.empty() && found.back()->record().level != run->record().level) {
      found.clear();
    }
    found.push_back(run.get());
    if (!closed && found.size() == fan_in) {
      return found;
    }
  }
  return closed && found.size() > 1 ? found : std::vector<const Run*>();
}

std::optional<Mark> Segment::find(StateStore& store, EventId id, std::string& page) const {
  for (auto run = runs_.rbegin(); run != runs_.rend(); ++run) {
    if (!(*run)->filter().may_hold(id)) continue;
    if (auto mark = (*run)->find(store, id, page)) return mark;
  }
  return std::nullopt;
}

void Segment::drop_filters() {
  filter_ = {};
  for (const auto& run : runs_) {
    run->set_filter({});
  }
}

std::size_t Segment::filter_bytes() const {
  std::size_t bytes = filter_.bytes();
  for (const auto& run : runs_) {
    bytes += run->filter().bytes();
  }
  return bytes;
}

std::size_t Segment::bytes() const {
  std::size_t bytes = sizeof(Segment) + filter_.bytes();
  for (const auto& run : runs_) {
    bytes += run->bytes();
  }
  return bytes;
}

}  // namespace sluice::dedupe
