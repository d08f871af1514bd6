#pragma once

// What the domains tell each other: what a view has told stands in its receiver's log, each fact
// with what an account of the source says, those of one source in order and without a gap.

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/memory/memory_log.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

class Correspondence {
 public:
  Correspondence(MemoryLog& log, std::vector<std::unique_ptr<Subject>>& subjects)
      : log_(log), subjects_(subjects) {}

  // Throws Broken.
  void check();

  // Nothing was told beyond what the views' accounts say. When every view is complete.
  void check_nothing_else();

  // Whether something that comes from this offset of the source or a later one stands anywhere.
  [[nodiscard]] bool told_from(const Subject& source, Partition partition, std::int64_t offset);

  // A log is about to lose its tail from this offset on.
  void before_loss(const Subject& receiver, Partition partition, std::int64_t end);

 private:
  using Source = std::pair<std::string, int>;  // domain and partition
  struct Inbox {
    std::int64_t read = 0;  // so much of the log
    // Each with the bytes that came first and the offset at which.
    struct Came {
      std::int64_t offset;
      std::string key;
      std::string payload;
      std::int64_t recorded_at;
    };
    std::map<Source, std::map<Turn, Came>> came;
    std::map<Source, std::set<Turn>> lost;
  };

  Inbox& inbox(const std::string& domain, Partition partition) {
    return inboxes_[{domain, partition.value}];
  }
  void read(const Subject& receiver, Partition partition);
  void read_all();
  void check_told(Subject& source, Partition partition);

  MemoryLog& log_;
  std::vector<std::unique_ptr<Subject>>& subjects_;
  std::map<std::pair<std::string, int>, Inbox> inboxes_;
};

}  // namespace sluice::simulation
