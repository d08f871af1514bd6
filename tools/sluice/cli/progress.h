#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace sluice {

// A line on a terminal's stderr that says how far long work has come; silent elsewhere.
class Progress {
 public:
  // `total` 0: nobody knows how much it is.
  Progress(bool shown, std::string what, std::uint64_t total);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void advance(std::uint64_t by);
  // From here on it is so much, of this.
  void expect(std::uint64_t total, std::string what);

 private:
  void draw() const;

  const bool shown_;
  std::string what_;
  std::uint64_t total_;
  std::uint64_t done_ = 0;
  std::chrono::steady_clock::time_point next_{};
};

}  // namespace sluice
