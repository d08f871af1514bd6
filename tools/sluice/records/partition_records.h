#pragma once

// One partition's records by where they stand: those of a key lie far apart in it.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "storage/event_log.h"
#include "tools/sluice/node/log.h"

namespace sluice {

// One thread.
class PartitionRecords {
 public:
  // The log must outlive this. Whatever waits ends with Retryable once `stop` says so.
  PartitionRecords(Log& log, const std::string& stream, Partition partition,
                   std::stop_token stop = {});

  // The record at this offset, valid until the next call. Cheapest where offsets ascend: what lies
  // between two is read through, or passed over where it is much. Corrupt: the log has no such
  // record, or no longer; Retryable: it does not answer.
  [[nodiscard]] LogRecord at(Offset offset);
  // The first record from this offset on; nullopt: there is none.
  [[nodiscard]] std::optional<LogRecord> from(Offset offset);

 private:
  class FromHere final : public Ownership {
   public:
    Offset acquired(Partition) override { return from; }
    void lost(Partition) override {}
    Offset from{0};
  };

  [[nodiscard]] bool near(Offset offset) const;
  // False: the partition has no more.
  bool poll();

  const std::string name_;
  const Partition partition_;
  const std::stop_token stop_;
  FromHere here_;
  std::unique_ptr<EventReader> reader_;
  std::span<const LogRecord> records_;
  std::size_t next_ = 0;     // of records_
  bool began_ = false;       // to read
  Offset behind_{0};         // the last record that was read
  std::uint64_t bytes_ = 0;  // of all records that were read
  std::uint64_t count_ = 0;
};

}  // namespace sluice
