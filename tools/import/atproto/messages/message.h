#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "tools/import/atproto/data/cid.h"
#include "tools/import/atproto/data/malformed.h"
#include "tools/import/atproto/syntax/moment.h"

namespace sluice::atproto {

// What the network said, whether a subscribeRepos frame or a Jetstream line said it. All views are
// borrowed from the reader and from what it was given: valid until it reads on. Texts are UTF-8,
// not more: whether a DID is one is the fold's to decide (syntax.h).

enum class Action : std::uint8_t { create, update, remove };

struct RecordOp {
  Action action = Action::create;
  std::string_view collection;
  std::string_view rkey;
  std::optional<Cid> cid;   // none: remove
  std::string_view record;  // canonical JSON; empty: remove
};

// Ops of one version of one repository, in the message's order. Ops that are malformed are not
// among them.
struct Commit {
  std::string_view did;
  std::string_view rev;
  Moment time;
  std::span<const RecordOp> ops;
};

// What is known of the repository may be wrong: #sync, or a #commit that was too big.
struct Stale {
  std::string_view did;
  std::string_view rev;
  Moment time;
};

struct Identity {
  std::string_view did;
  std::optional<std::string_view> handle;
  Moment at;
  Moment time;
};

struct Account {
  std::string_view did;
  bool active = true;
  std::string_view status;  // "": none
  Moment at;
  Moment time;
};

// Nothing to do: #info and types that are not known here.
struct Ignored {
  std::string_view type;
};

// An error frame: the server closes behind it. Reconnect.
struct ServerError {
  std::string_view error;    // "FutureCursor", "ConsumerTooSlow"
  std::string_view message;  // "": none
};

// Nothing of the message can be used; why is in `malformed`.
struct Unreadable {};

using Event = std::variant<Unreadable, Commit, Stale, Identity, Account, Ignored, ServerError>;

struct Message {
  Event event;
  std::int64_t seq = 0;              // of a frame; 0 where it has none
  std::vector<Malformed> malformed;  // ops, or with Unreadable the message
};

}  // namespace sluice::atproto
