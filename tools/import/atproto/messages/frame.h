#pragma once

#include <string_view>

#include "tools/import/atproto/data/value.h"
#include "tools/import/atproto/messages/message.h"
#include "tools/import/atproto/messages/record_ops.h"
#include "tools/import/atproto/repository/block_index.h"

namespace sluice::atproto {

// A relay's websocket message has at most 5 MB (specification, Event Stream, "Message size").
constexpr std::size_t kMaxFrameBytes = 8 * 1024 * 1024;

// Reads frames of com.atproto.sync.subscribeRepos: two DAG-CBOR values, a header {op, t} and a body
// (specification, Event Stream, "Framing"; lexicon com.atproto.sync.subscribeRepos).
// - #commit: its ops, each with the record out of the CAR slice in `blocks`. An op is malformed by
//   itself: of another action, path that is not two parts, block that is missing or not of its
//   CID's sha-256, record that is not DAG-CBOR or not canonical's (canonical.h); so is the 201st
//   and what is behind it. tooBig: Stale.
// - #sync: Stale. #identity, #account. #info and unknown types and ops: Ignored. op -1:
// ServerError. Blocks that no op names, signatures and whether the MST leads to the records are not
// looked at: the relay has.
class FrameReader {
 public:
  // Borrowed until the next call, and from `frame`. No exceptions but for memory.
  [[nodiscard]] const Message& read(std::string_view frame);

 private:
  void body(std::string_view type, Value body);
  void commit(Value body);
  void index_blocks(std::string_view car);
  void op(Value op, std::size_t number);
  // nullptr, or why the op is malformed; `at` then is where in its block, if it is about that.
  const char* try_op(Value op, std::optional<std::size_t>& at);
  void stale(Value body, std::string_view did);
  void unreadable(std::size_t at, const char* reason);

  Message message_;
  Document header_;
  Document body_;
  Document record_;
  BlockIndex blocks_;
  RecordOps ops_;
};

}  // namespace sluice::atproto
