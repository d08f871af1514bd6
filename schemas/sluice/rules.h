#pragma once

// A fact against its (sluice.rule) options: ingest asks before the log, the projector before the fold.

#include <google/protobuf/message.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// One thing wrong with one field.
struct Fault {
  std::string field;   // a path below the fact: "choice", "seeds[3].body"
  std::string reason;  // for a person: "must be 1 to 1000 characters long, is 0"
};

// Writes defaults into absent fields of `event` (a domain's Event) and returns what is wrong with
// its fact; empty: admissible. One fault a field at most. Thread-safe.
[[nodiscard]] std::vector<Fault> check_rules(google::protobuf::Message& event);

}  // namespace sluice
