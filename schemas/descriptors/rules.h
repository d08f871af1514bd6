#pragma once

// A fact against its (sluice.rule) options: ingest asks before the log, the projector before the
// fold.

#include <google/protobuf/message.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// One thing wrong with one field.
struct Fault {
  std::string field;   // a path below the fact: "choice", "seeds[3].body"
  std::string reason;  // for a person: "must be 1 to 1000 characters long, is 0"
};

// The rules of one kind of fact, read from its options once.
class FactRules {
 public:
  // Of the messages of this type; for good. Thread-safe.
  [[nodiscard]] static const FactRules& of(const google::protobuf::Descriptor& fact);

  // Writes defaults into absent fields of `fact` and returns what is wrong with it; empty:
  // admissible. One fault a field at most. Thread-safe.
  [[nodiscard]] std::vector<Fault> check(google::protobuf::Message& fact) const;

  // Whether only a service may say it: (sluice.service_only).
  [[nodiscard]] bool service_only() const;
  // What stands in its key field; borrowed from it.
  [[nodiscard]] std::string_view key(const google::protobuf::Message& fact) const;

  // The field's name: what the domain calls its key.
  [[nodiscard]] const std::string& key_name() const;

  explicit FactRules(const google::protobuf::Descriptor& fact);
  FactRules(FactRules&&) noexcept;
  ~FactRules();

 private:
  struct Plan;
  std::unique_ptr<const Plan> plan_;
};

// The same for the fact of `event`, a domain's Event.
[[nodiscard]] std::vector<Fault> check_rules(google::protobuf::Message& event);
// What the log is partitioned by: the value of the key field of the event's fact, borrowed from it.
// Empty without a fact.
[[nodiscard]] std::string_view key_of(const google::protobuf::Message& event);

// What the wire calls an id: 1 to 64 of A-Z a-z 0-9 . _ ~ -
[[nodiscard]] bool is_id(std::string_view text);

// What may identify an event: 1 to 200 printable characters. `text` is UTF-8.
[[nodiscard]] bool is_event_id(std::string_view text);

// Without U+0000 to U+001F and U+007F to U+009F. `text` is UTF-8.
[[nodiscard]] bool is_printable(std::string_view text);

// Whether a time, in milliseconds since 1970, is in the years 1 to 9999: what a timestamptz column
// and RFC 3339 can both show.
[[nodiscard]] bool is_storable(std::int64_t milliseconds);

}  // namespace sluice
