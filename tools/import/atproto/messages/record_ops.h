#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/import/atproto/data/fault.h"
#include "tools/import/atproto/data/value.h"
#include "tools/import/atproto/messages/message.h"

namespace sluice::atproto {

// The ops of one message, with their records in one buffer: kept and cleared, it allocates nothing.
class RecordOps {
 public:
  void clear();
  // Nullopt, or why its record is malformed: then it is not among the ops.
  [[nodiscard]] std::optional<Fault> put(const RecordOp& op, Value record);
  void remove(std::string_view collection, std::string_view rkey);
  // Borrowed until the next change.
  [[nodiscard]] std::span<const RecordOp> view();

 private:
  std::vector<RecordOp> ops_;
  std::vector<std::size_t> ends_;  // of their records in records_
  std::string records_;
};

}  // namespace sluice::atproto
