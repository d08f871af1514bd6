#pragma once

#include <string>

namespace sluice::simulation {

// A promise was broken. The message says which, and where. No std::exception, so that no part of
// the engine takes it for a failure of its own.
class Broken {
 public:
  explicit Broken(std::string what) : what_(std::move(what)) {}
  [[nodiscard]] const std::string& what() const { return what_; }

 private:
  std::string what_;
};

}  // namespace sluice::simulation
