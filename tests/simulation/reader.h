#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/memory/memory_readers.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

// An application that reads one domain's views, in one transaction after the other: where the live
// generation stands, then what the views show. Throws Broken where the rows are not those of that
// position, or where a position or an as_of has gone back since its last look.
class Reader {
 public:
  // All borrowed.
  Reader(std::string domain, std::vector<std::unique_ptr<Subject>>& subjects,
         MemoryReaders& readers)
      : domain_(std::move(domain)), subjects_(subjects), readers_(readers) {}

  // A transaction of one statement, as under READ COMMITTED every one is.
  void ask();
  // One of several statements in one snapshot.
  void begin();
  // In that snapshot. False: it was told to begin it again, which it has to.
  bool look();
  void end() { snapshot_.reset(); }
  [[nodiscard]] bool reads() const { return snapshot_ != nullptr; }
  // Whether it would wait for the views.
  [[nodiscard]] bool waits() { return readers_.views().held(); }
  // The database is another one, from a backup.
  void begin_anew();

 private:
  [[nodiscard]] std::unique_ptr<MemorySnapshot> snapshot() const;
  [[nodiscard]] const Subject& shown() const;
  void look_at(MemorySnapshot& snapshot);

  const std::string domain_;
  std::vector<std::unique_ptr<Subject>>& subjects_;
  MemoryReaders& readers_;
  std::unique_ptr<MemorySnapshot> snapshot_;
  std::map<Partition, Offset> positions_;       // as it saw them last
  std::map<std::string, std::int64_t> as_ofs_;  // of keys, the same
};

}  // namespace sluice::simulation
