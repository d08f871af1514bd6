#include "tests/simulation/reader.h"

#include <algorithm>
#include <utility>

#include "storage/base/errors.h"
#include "tests/simulation/broken.h"
#include "tests/simulation/faulty_writer.h"

namespace sluice::simulation {

std::unique_ptr<MemorySnapshot> Reader::snapshot() const {
  std::vector<const MemoryViews*> generations;
  for (const auto& subject : subjects_) {
    if (subject->projection().name == domain_) generations.push_back(&subject->views());
  }
  return std::make_unique<MemorySnapshot>(readers_, generations);
}

const Subject& Reader::shown() const {
  return **std::ranges::find_if(subjects_, [&](const auto& subject) {
    return subject->is_live() && subject->projection().name == domain_;
  });
}

void Reader::ask() { look_at(*snapshot()); }

void Reader::begin() { snapshot_ = snapshot(); }

bool Reader::look() {
  try {
    look_at(*snapshot_);
    return true;
  } catch (const Retryable&) {
    snapshot_.reset();
    return false;
  }
}

void Reader::begin_anew() {
  snapshot_.reset();
  positions_.clear();
  as_ofs_.clear();
}

// Every generation's rows have been held against its own position: so it is enough that this is the
// position which is read beside them.
void Reader::look_at(MemorySnapshot& snapshot) {
  const MemoryViews& live = snapshot.live();
  const MemoryViews& rows = snapshot.read(shown().views());
  for (int p = 0; p < kPartitions; ++p) {
    const Offset position = live.position(Partition{p}).position;
    if (rows.position(Partition{p}).position != position) {
      throw Broken("a reader meets rows of another position" +
                   shown().where(Partition{p}, position.value));
    }
    if (position < std::exchange(positions_[Partition{p}], position)) {
      throw Broken("a reader sees a position go back" +
                   shown().where(Partition{p}, position.value));
    }
  }
  for (const auto& [key, as_of] : shown().computed(rows)) {
    if (as_of < std::exchange(as_ofs_[key], as_of)) {
      throw Broken("a reader sees computed rows go back: " + key);
    }
  }
}

}  // namespace sluice::simulation
