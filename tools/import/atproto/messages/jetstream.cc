#include "tools/import/atproto/messages/jetstream.h"

#include <string>

#include "tools/import/atproto/data/fields.h"
#include "tools/import/atproto/data/json_text.h"

namespace sluice::atproto {
namespace {

constexpr int kOutsideRecord = 2;                             // the line, and its commit
constexpr std::int64_t kYear10000 = 253'402'300'800'000'000;  // in microseconds since 1970

// False: another word.
bool read_action(std::string_view operation, Action& into) {
  if (operation == "create") into = Action::create;
  if (operation == "update") into = Action::update;
  if (operation == "delete") into = Action::remove;
  return operation == "create" || operation == "update" || operation == "delete";
}

// Not of texts that are wrong: they would be absent.
bool is_text_or_absent(Value map, std::string_view key) {
  return !present(map, key) || text_field(map, key).has_value();
}

}  // namespace

void JetstreamReader::unreadable(std::size_t at, const char* reason) {
  message_.event = Unreadable{};
  message_.malformed.push_back({"byte " + std::to_string(at), reason});
}

const Message& JetstreamReader::read(std::string_view line) {
  message_.event = Unreadable{};
  message_.seq = 0;
  message_.malformed.clear();
  if (const auto fault = decode_json(line, line_, kMaxDepth + kOutsideRecord)) {
    unreadable(fault->at, fault->reason);
    return message_;
  }
  const Value root = line_.root();
  const auto did = text_field(root, "did");
  const auto kind = text_field(root, "kind");
  const auto time_us = integer_field(root, "time_us");
  const bool has_time = time_us && *time_us >= 0 && *time_us < kYear10000;
  const Moment time{std::chrono::microseconds(time_us.value_or(0))};
  if (!did) {
    unreadable(root.at(), "no did");
  } else if (!kind) {
    unreadable(root.at(), "no kind");
  } else if (!has_time) {
    unreadable(root.at(), "no time_us");
  } else if (*kind == "commit") {
    commit(root, *did, time);
  } else if (*kind == "identity" || *kind == "account") {
    said_of_account(root, *kind, *did, time);
  } else {
    message_.event = Ignored{*kind};
  }
  return message_;
}

void JetstreamReader::said_of_account(Value root, std::string_view kind, std::string_view did,
                                      Moment time) {
  const auto body = root.find(kind);
  if (!body || body->kind() != Kind::map) return unreadable(root.at(), "no object of its kind");
  const auto at = datetime_field(*body, "time");
  if (!at) return unreadable(body->at(), "no time");
  message_.seq = integer_field(*body, "seq").value_or(0);
  if (kind == "identity") {
    if (!is_text_or_absent(*body, "handle")) {
      return unreadable(body->at(), "a handle that is no text");
    }
    message_.event = Identity{did, text_field(*body, "handle"), *at, time};
    return;
  }
  const auto active = boolean_field(*body, "active");
  if (!active) return unreadable(body->at(), "no active");
  if (!is_text_or_absent(*body, "status")) {
    return unreadable(body->at(), "a status that is no text");
  }
  message_.event = Account{did, *active, text_field(*body, "status").value_or(""), *at, time};
}

void JetstreamReader::commit(Value root, std::string_view did, Moment time) {
  const auto body = root.find("commit");
  if (!body || body->kind() != Kind::map) return unreadable(root.at(), "no object of its kind");
  const auto rev = text_field(*body, "rev");
  const auto operation = text_field(*body, "operation");
  Action action = Action::create;
  const auto collection = text_field(*body, "collection");
  const auto rkey = text_field(*body, "rkey");
  if (!rev) return unreadable(body->at(), "no rev");
  if (!operation || !read_action(*operation, action)) {
    return unreadable(body->at(), "no known operation");
  }
  if (!collection || !rkey) return unreadable(body->at(), "no collection or rkey");
  ops_.clear();
  if (action == Action::remove) {
    ops_.remove(*collection, *rkey);
  } else {
    const auto text = text_field(*body, "cid");
    const auto cid = text ? Cid::from_text(*text) : std::nullopt;
    const auto record = body->find("record");
    if (!cid) return unreadable(body->at(), "no cid of a form that atproto has");
    if (!record) return unreadable(body->at(), "no record");
    if (const auto fault = ops_.put({action, *collection, *rkey, cid, {}}, *record)) {
      return unreadable(fault->at, fault->reason);
    }
  }
  message_.event = Commit{did, *rev, time, ops_.view()};
}

}  // namespace sluice::atproto
