#include "tools/sluice/cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kBetween{100};
constexpr std::uint64_t kWidth = 30;

}  // namespace

Progress::Progress(bool shown, std::string what, std::uint64_t total)
    : shown_(shown), what_(std::move(what)), total_(total) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void Progress::advance(std::uint64_t by) {
  done_ += by;
  if (!shown_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kBetween;
  draw();
}

void Progress::expect(std::uint64_t total, std::string what) {
  total_ = total;
  what_ = std::move(what);
}

void Progress::draw() const {
  if (total_ == 0) {
    std::fprintf(stderr, "\r%llu %s\x1b[K", static_cast<unsigned long long>(done_), what_.c_str());
    return;
  }
  const std::uint64_t filled = std::min(done_, total_) * kWidth / total_;
  const std::string bar = std::string(filled, '=') + std::string(kWidth - filled, ' ');
  std::fprintf(stderr, "\r[%s] %llu of %llu %s\x1b[K", bar.c_str(),
               static_cast<unsigned long long>(done_), static_cast<unsigned long long>(total_),
               what_.c_str());
}

}  // namespace sluice
