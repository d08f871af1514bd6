#pragma once

#include <string>

namespace sluice {

// Why a record cannot be folded, and what that means for others.
struct Unfoldable {
  std::string reason;     // for people
  bool parks_key = true;  // later records of its key wait behind it
  bool erasable = false;  // it is a person's, and that person's deletion comes to it
};

}  // namespace sluice
