#include "projectors/engine/dedupe/dedupe_open_set.h"

#include <algorithm>
#include <limits>

#include "storage/base/check.h"

namespace sluice::dedupe {
namespace {

// Ids are hashes, so almost every bucket has a few marks; one that an adversary filled is sorted in
// n log n like any other.
constexpr std::ptrdiff_t kInsertionSortMax = 16;

bool by_id(const Mark& a, const Mark& b) { return a.id < b.id; }

void sort_bucket(std::vector<Mark>::iterator begin, std::vector<Mark>::iterator end) {
  if (end - begin > kInsertionSortMax) {
    std::stable_sort(begin, end, by_id);
    return;
  }
  for (auto unsorted = begin; unsorted != end; ++unsorted) {
    std::rotate(std::upper_bound(begin, unsorted, *unsorted, by_id), unsorted, unsorted + 1);
  }
}

}  // namespace

OpenSet::OpenSet(std::size_t expected) : expected_(expected) { clear(); }

void OpenSet::add(const Mark& mark) {
  CHECK(marks_.size() < std::numeric_limits<std::uint32_t>::max(), "a flush bounds the open set");
  marks_.push_back(mark);
  if (marks_.size() * 2 > slots_.size()) {
    slots_.resize(slots_.size() * 2);
    mask_ = slots_.size() - 1;
    return index_all();
  }
  index(static_cast<std::uint32_t>(marks_.size()));
}

void OpenSet::index(std::uint32_t number) {
  const EventId id = marks_[number - 1].id;
  std::size_t i = place(id);
  while (slots_[i].number != 0 &&
         !(slots_[i].tag == tag(id) && marks_[slots_[i].number - 1].id == id)) {
    i = (i + 1) & mask_;
  }
  slots_[i] = {tag(id), number};
}

void OpenSet::index_all() {
  std::ranges::fill(slots_, Slot{});
  for (std::uint32_t number = 1; number <= marks_.size(); ++number) {
    index(number);
  }
}

void OpenSet::forget_last(std::size_t marks) {
  marks_.resize(marks_.size() - marks);
  index_all();
}

void OpenSet::clear() {
  const std::size_t slots = std::max<std::size_t>(std::bit_ceil(expected_ * 2), 16);
  if (slots_.size() > slots) {
    std::vector<Slot>().swap(slots_);
    std::vector<Mark>().swap(marks_);
  }
  marks_.clear();
  slots_.assign(slots, Slot{});
  mask_ = slots - 1;
}

std::vector<Mark> OpenSet::sorted(std::int64_t expired_ms) const {
  // A counting sort by the leading bits leaves about one mark a bucket: a third of std::sort's
  // time.
  const int bits = static_cast<int>(std::bit_width(std::max<std::size_t>(marks_.size(), 2))) - 1;
  const auto bucket = [bits](const Mark& mark) { return mark.id.high >> (64 - bits); };
  std::vector<std::uint32_t> begins((std::size_t{1} << bits) + 1);
  for (const Mark& mark : marks_) {
    ++begins[bucket(mark) + 1];
  }
  for (std::size_t i = 1; i < begins.size(); ++i) {
    begins[i] += begins[i - 1];
  }
  std::vector<Mark> out(marks_.size());
  std::vector<std::uint32_t> next(begins.begin(), begins.end() - 1);
  for (const Mark& mark : marks_) {
    out[next[bucket(mark)]++] = mark;
  }
  for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
    sort_bucket(out.begin() + begins[i], out.begin() + begins[i + 1]);
  }

  // Both sorts are stable: of equal ids the last is the newest.
  std::size_t kept = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const bool newest = i + 1 == out.size() || out[i + 1].id != out[i].id;
    if (newest && out[i].time_ms > expired_ms) {
      out[kept++] = out[i];
    }
  }
  out.resize(kept);
  return out;
}

}  // namespace sluice::dedupe
