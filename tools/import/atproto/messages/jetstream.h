#pragma once

#include <string_view>

#include "tools/import/atproto/data/value.h"
#include "tools/import/atproto/messages/message.h"
#include "tools/import/atproto/messages/record_ops.h"

namespace sluice::atproto {

constexpr std::size_t kMaxLineBytes = 8 * 1024 * 1024;

// Reads messages of Jetstream, version 1 (github.com/bluesky-social/jetstream, "Consuming
// Jetstream"): {"did","time_us","kind", and commit, identity or account}. A commit has one op.
// Other kinds are Ignored. The same ops as FrameReader's come of it, of a record the same bytes.
class JetstreamReader {
 public:
  // Borrowed until the next call, and from `line`, which has no end of line. No exceptions but for
  // memory.
  [[nodiscard]] const Message& read(std::string_view line);

 private:
  void commit(Value root, std::string_view did, Moment time);
  void said_of_account(Value root, std::string_view kind, std::string_view did, Moment time);
  void unreadable(std::size_t at, const char* reason);

  Message message_;
  Document line_;
  RecordOps ops_;
};

}  // namespace sluice::atproto
