#include "ingest/http/descriptor_reserve.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace sluice::http {

DescriptorReserve::DescriptorReserve() { take(); }

DescriptorReserve::~DescriptorReserve() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void DescriptorReserve::take() {
  if (descriptor_ < 0) descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void DescriptorReserve::lend(const std::function<bool()>& use) {
  take();
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  descriptor_ = -1;
  while (use()) {
  }
  take();
}

void DescriptorReserve::report(int answered) {
  constexpr std::chrono::seconds kBetween{10};
  unreported_ += answered;
  const auto now = std::chrono::steady_clock::now();
  if (reported_ != std::chrono::steady_clock::time_point{} && now - reported_ < kBetween) return;
  spdlog::warn("out of file descriptors: clients are refused={}; raise the limit (ulimit -n)",
               unreported_);
  reported_ = now;
  unreported_ = 0;
}

}  // namespace sluice::http
