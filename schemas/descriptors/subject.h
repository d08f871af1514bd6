#pragma once

// Whose a fact is: (sluice.subject) of rule.proto.

#include <google/protobuf/message.h>

#include <string>

namespace sluice {

// Empty texts: the fact has nothing of the kind.
struct FactSubject {
  std::string of;      // whose text or choice it holds
  std::string erases;  // who goes for good
  std::string from;    // whose things become ...
  std::string into;    // ... this one's
};

// Of the fact of `event`, a domain's Event, whatever else is wrong with it; empty without a fact.
[[nodiscard]] FactSubject subject_of(const google::protobuf::Message& event);

// Whether there is a fact, and it is of a kind that is nobody's text or choice.
[[nodiscard]] bool is_nobodys(const google::protobuf::Message& event);

// Takes out of the fact what is only of its person. False: all of it is.
[[nodiscard]] bool clear_subject(google::protobuf::Message& event);

}  // namespace sluice
