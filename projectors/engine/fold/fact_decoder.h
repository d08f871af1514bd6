#pragma once

// Payloads into a domain's Event, and what is known of each kind of fact: rules and name.

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

#include "schemas/descriptors/rules.h"

namespace sluice {

// Used by one thread. A fact of the same kind as the one before, which nearly every fact is, is
// parsed into that one's memory, where parsing the event would free it first.
class FactDecoder {
 public:
  // `event` is where it decodes into, and must outlive this; its first oneof are the facts.
  explicit FactDecoder(google::protobuf::Message& event);

  // False when the bytes are not an Event.
  [[nodiscard]] bool decode(std::string_view payload);

  // Of the event last decoded. What is wrong with it; empty: admissible, and defaults are written.
  [[nodiscard]] std::vector<Fault> check() const;
  // Of its fact, of which there must be one: the rules, the key, and the name on the wire.
  [[nodiscard]] const FactRules& rules() const;
  // What stands in its key field: what the log is partitioned by. Borrowed from the event.
  [[nodiscard]] std::string_view key() const;
  [[nodiscard]] const std::string& type() const;

 private:
  struct Kind {
    const google::protobuf::FieldDescriptor* field;
    const FactRules* rules;
    std::string type;
  };
  struct Framed {
    std::uint32_t tag = 0;
    std::string_view fact;
  };
  [[nodiscard]] static Framed only_field(std::string_view payload);

  google::protobuf::Message& event_;
  std::vector<Kind> kinds_;  // by the field's place in the oneof
  // Of the event last decoded; null: it has no known fact.
  const Kind* kind_ = nullptr;
  google::protobuf::Message* fact_ = nullptr;
  std::uint32_t tag_ = 0;
};

}  // namespace sluice
