#pragma once

#include <stdexcept>

namespace sluice::simulation {

// A promise was broken. The message says which, and where.
class Broken : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sluice::simulation
