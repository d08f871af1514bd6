#pragma once

// What a view is given to write, of one partition: the batch of a flush, the note of bulk folding
// and the load that ends that, and the rows in them.

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/log_identity.h"
#include "storage/base/position.h"
#include "storage/refusals.h"

namespace sluice {

// The changed rows of one table. Messages are of the row's type; those in `erased` have only their
// key fields set. Both in ascending key order. Borrowed.
struct RowChanges {
  const google::protobuf::Descriptor* row = nullptr;
  std::vector<const google::protobuf::Message*> upserts;
  std::vector<const google::protobuf::Message*> erased;
};

// All that tables have of one key: those that are computed, or after a repair the others.
struct ComputedRows {
  struct Table {
    const google::protobuf::Descriptor* row = nullptr;
    std::vector<std::unique_ptr<google::protobuf::Message>> rows;  // ascending keys
  };
  std::string key;  // of a computed table: the value of its first key field
  std::vector<Table> tables;
};

// Everything folded from `from` up to `to`. Borrowed by flush().
struct FlushBatch {
  Partition partition;
  std::string_view owner;
  bool live = true;  // whether the generation was, when the partition was claimed
  Offset from;
  Digest digest_at_from;
  Offset to;
  Digest digest_at_to;
  // Of the log that was folded, where known. Kept with the position unless that has one already.
  std::optional<LogIdentity> log = std::nullopt;
  Time record_time;
  Offset log_end;
  std::span<const RowChanges> rows;
  std::span<const Rejection> rejections;
  std::span<const QuarantinedRecord> quarantined;
  std::span<const Offset> unquarantined;  // released or discarded: their rows go
  std::span<const Offset> aged_out;       // their rows stay, without the bytes
  std::span<const Decision> decisions = {};
  // Each of a key of its own. With them, `from` may be `to`.
  std::span<const ComputedRows* const> computed;
  // Of a key each: what tables have that are not computed. A table then has these rows, and no
  // others that belong to the key.
  std::span<const ComputedRows* const> repaired = {};
  std::int64_t published_at_from = 0;  // one more at `to` if there are computed rows
  // Keys whose computed rows are older than what they are computed from: those that are at `to` and
  // were not at `from`, and those of `computed` that are not any more.
  std::span<const std::string> became_due = {};
  std::span<const std::string> caught_up = {};
};

// What bulk folding tells while rows are only in the state: refused records, which state does not
// keep. All of it was folded before `folded`. Borrowed by note().
struct BulkNote {
  Partition partition;
  std::string_view owner;
  Offset folded;
  Digest digest;  // of the record before `folded`
  Offset log_end;
  std::span<const Rejection> rejections;
  std::span<const QuarantinedRecord> quarantined;
  std::span<const Offset> unquarantined;
  std::span<const Offset> aged_out;
  std::span<const Decision> decisions = {};
};

// All rows of one published table in ascending key order. Borrowed by load().
struct TableSource {
  const google::protobuf::Descriptor* row = nullptr;
  std::function<const google::protobuf::Message*()> next;  // null at the end; valid until the next
};

// A partition's state as of `to`. Borrowed by load().
struct LoadBatch {
  Partition partition;
  std::string_view owner;
  Offset to;
  Digest digest;
  std::optional<LogIdentity> log;
  Time record_time;
  Offset log_end;
  double share = 1;  // the part of its time that writing may take; the rest is left to others
  std::span<const TableSource> tables;  // in which the partition has no rows yet
  // Keys that are to be computed; null at the end. Empty: the projection computes nothing.
  std::function<const std::string*()> due = {};
};

enum class FlushOutcome {
  committed,
  in_doubt,  // the commit was sent and its answer lost: read position() and decide
};

}  // namespace sluice
