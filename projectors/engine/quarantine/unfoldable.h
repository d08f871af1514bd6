#pragma once

#include <string>
#include <string_view>

namespace sluice {

// Why a record cannot be folded, and what that means for others.
struct Unfoldable {
  std::string reason;     // for people
  bool parks_key = true;  // later records of its key wait behind it
  bool erasable = false;  // it is a person's, and that person's deletion comes to it
};

inline constexpr std::string_view kWaits = "waits behind an earlier record of its key";
inline constexpr std::string_view kUnstamped =
    "stamped by its producer and not by the log: set the topic's message.timestamp.type to "
    "LogAppendTime, then release it";

}  // namespace sluice
