#include "tools/import/atproto/messages/frame.h"

#include <algorithm>
#include <array>
#include <string>

#include "tools/import/atproto/data/canonical.h"
#include "tools/import/atproto/data/dag_cbor.h"
#include "tools/import/atproto/data/fields.h"

namespace sluice::atproto {
namespace {

constexpr std::int64_t kMessage = 1;
constexpr std::int64_t kError = -1;
constexpr std::size_t kMaxOps = 200;  // the lexicon's
constexpr std::size_t kShownPath = 200;
constexpr std::array<std::string_view, 4> kTypes = {"#commit", "#sync", "#identity", "#account"};

}  // namespace

void FrameReader::unreadable(std::size_t at, const char* reason) {
  message_.event = Unreadable{};
  message_.malformed.push_back({"byte " + std::to_string(at), reason});
}

const Message& FrameReader::read(std::string_view frame) {
  message_.event = Unreadable{};
  message_.seq = 0;
  message_.malformed.clear();
  std::size_t at = 0;
  if (const auto fault = decode_cbor(frame, at, header_)) {
    unreadable(fault->at, fault->reason);
    return message_;
  }
  const auto op = integer_field(header_.root(), "op");
  const auto type = text_field(header_.root(), "t");
  const bool is_error = op == kError;
  const bool is_known = op == kMessage && type && std::ranges::count(kTypes, *type) > 0;
  if (!op || (op == kMessage && !type)) {
    unreadable(0, "a header without op or t");
  } else if (!is_error && !is_known) {
    message_.event = Ignored{type.value_or("")};
  } else if (const auto fault = decode_cbor(frame, at, body_)) {
    unreadable(fault->at, fault->reason);
  } else if (at != frame.size()) {
    unreadable(at, "bytes behind the body");
  } else if (is_error) {
    message_.event = ServerError{text_field(body_.root(), "error").value_or(""),
                                 text_field(body_.root(), "message").value_or("")};
  } else {
    body(*type, body_.root());
  }
  return message_;
}

void FrameReader::body(std::string_view type, Value body) {
  message_.seq = integer_field(body, "seq").value_or(0);
  if (type == "#commit") return commit(body);
  const auto did = text_field(body, "did");
  const auto time = datetime_field(body, "time");
  if (!did) return unreadable(body.at(), "no did");
  if (type == "#sync") return stale(body, *did);
  if (!time) return unreadable(body.at(), "no time");
  if (type == "#identity") {
    if (present(body, "handle") && !text_field(body, "handle")) {
      return unreadable(body.at(), "a handle that is no text");
    }
    message_.event = Identity{*did, text_field(body, "handle"), *time, *time};
    return;
  }
  const auto active = boolean_field(body, "active");
  if (!active) return unreadable(body.at(), "no active");
  if (present(body, "status") && !text_field(body, "status")) {
    return unreadable(body.at(), "a status that is no text");
  }
  message_.event = Account{*did, *active, text_field(body, "status").value_or(""), *time, *time};
}

void FrameReader::stale(Value body, std::string_view did) {
  const auto rev = text_field(body, "rev");
  const auto time = datetime_field(body, "time");
  if (!rev) return unreadable(body.at(), "no rev");
  if (!time) return unreadable(body.at(), "no time");
  message_.event = Stale{did, *rev, *time};
}

void FrameReader::commit(Value body) {
  const auto did = text_field(body, "repo");
  const auto rev = text_field(body, "rev");
  const auto time = datetime_field(body, "time");
  const auto ops = body.find("ops");
  if (!did) return unreadable(body.at(), "no repo");
  if (boolean_field(body, "tooBig").value_or(false)) return stale(body, *did);
  if (!rev) return unreadable(body.at(), "no rev");
  if (!time) return unreadable(body.at(), "no time");
  if (!ops || ops->kind() != Kind::list) return unreadable(body.at(), "no ops");
  const auto car = body.find("blocks");
  index_blocks(car ? car->bytes().value_or("") : "");
  ops_.clear();
  std::size_t number = 0;
  for (const Value one : ops->items()) {
    if (number == kMaxOps) {
      message_.malformed.push_back({"op " + std::to_string(number), "more than 200 ops"});
      break;
    }
    op(one, number++);
  }
  message_.event = Commit{*did, *rev, *time, ops_.view()};
}

void FrameReader::index_blocks(std::string_view car) {
  blocks_.clear();
  if (car.empty()) return;
  CarReader reader(car);
  blocks_.fill(reader);
  if (const auto& fault = reader.fault()) {
    message_.malformed.push_back({"blocks, byte " + std::to_string(fault->at), fault->reason});
  }
}

void FrameReader::op(Value op, std::size_t number) {
  std::optional<std::size_t> at;
  const char* const reason = try_op(op, at);
  if (reason == nullptr) return;
  std::string place = "op " + std::to_string(number);
  if (const auto path = text_field(op, "path")) {
    place.append(" (").append(path->substr(0, kShownPath)).append(")");
  }
  if (at) place += ", byte " + std::to_string(*at) + " of its record";
  message_.malformed.push_back({std::move(place), reason});
}

const char* FrameReader::try_op(Value op, std::optional<std::size_t>& at) {
  const auto action = text_field(op, "action");
  const auto path = text_field(op, "path");
  if (!action || !path) return "no action or path";
  const auto slash = path->find('/');
  if (slash == 0 || slash == std::string_view::npos || slash + 1 == path->size() ||
      path->find('/', slash + 1) != std::string_view::npos) {
    return "a path that is not collection/rkey";
  }
  const std::string_view collection = path->substr(0, slash);
  const std::string_view rkey = path->substr(slash + 1);
  if (action == "delete") {
    ops_.remove(collection, rkey);
    return nullptr;
  }
  if (action != "create" && action != "update") return "an unknown action";
  const auto cid = link_field(op, "cid");
  if (!cid) return "no cid";
  const auto number = blocks_.find(*cid);
  if (!number) return "its block is missing";
  const Block& block = blocks_[*number];
  if (block.data.size() > kMaxRecordBytes) return "a record beyond 384 KiB";
  if (!cid->is_of(block.data)) return "its block's sha-256 is not its CID's";
  auto fault = decode_cbor(block.data, record_);
  if (!fault) {
    fault =
        ops_.put({action == "create" ? Action::create : Action::update, collection, rkey, cid, {}},
                 record_.root());
  }
  if (!fault) return nullptr;
  at = fault->at;
  return fault->reason;
}

}  // namespace sluice::atproto
