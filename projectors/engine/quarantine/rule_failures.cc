#include "projectors/engine/quarantine/rule_failures.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice {
namespace {

// Enough to know the trouble by.
constexpr std::size_t kReasonBytes = 500;

}  // namespace

const std::string* RuleFailures::find(const RuleCall& call) const {
  const auto found = std::ranges::find(failures_, call, &Failure::call);
  return found == failures_.end() ? nullptr : &found->why;
}

void RuleFailures::add(const RulesFailed& failed, Offset position) {
  CHECK(find(failed.call()) == nullptr, "a call that is known to fail is not made again");
  failures_.push_back(
      {failed.call(), "its rules failed: " + std::string(failed.what()).substr(0, kReasonBytes)});
  newest_at_ = position;
}

}  // namespace sluice
