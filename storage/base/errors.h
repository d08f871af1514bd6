#pragma once

// Failures, named by what the catcher does about them. Whatever touches the outside world
// translates its vendor's errors into one of these once, at its edge; no vendor type crosses.

#include <stdexcept>

namespace sluice {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Back off and try again: reopen at the last durable position. Counted, bounded, never silent.
class Retryable : public Error {
 public:
  using Error::Error;
};

// The partition belongs to somebody else: drop all folded work, quietly.
class Fenced : public Error {
 public:
  using Error::Error;
};

// What is stored contradicts itself or the log: stop the partition, change nothing, page a person.
class Corrupt : public Error {
 public:
  using Error::Error;
};

// The operator asked for something that cannot work: exit with what to change.
class Misconfigured : public Error {
 public:
  using Error::Error;
};

}  // namespace sluice
