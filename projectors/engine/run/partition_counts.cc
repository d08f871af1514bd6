#include "projectors/engine/run/partition_counts.h"

#include <array>

namespace sluice {
namespace {

// Reasons are words of a domain's rules. Rules that put an id into one would make a number for each
// of them, for ever.
constexpr std::size_t kReasons = 64;
constexpr std::size_t kLongestReason = 64;
constexpr std::string_view kOther = "other";

constexpr std::array kFlushSeconds{.0025, .005, .01, .025, .05, .1, .25, .5, 1., 2.5, 5., 10., 30.};
constexpr std::array kBatchSeconds{.0001, .00025, .0005, .001, .0025, .005, .01,
                                   .025,  .05,    .1,    .25,  .5,    1.,   2.5};
constexpr std::array kVisibleSeconds{.025, .05, .1,  .25, .5,   1.,   2.5,
                                     5.,   10., 30., 60., 600., 3600.};

}  // namespace

std::string_view word(Recovery::From from) {
  switch (from) {
    case Recovery::From::state:
      return "state";
    case Recovery::From::start:
      return "start";
    case Recovery::From::snapshot:
      return "snapshot";
  }
  return {};
}

PartitionCounts::PartitionCounts()
    : flush_seconds(kFlushSeconds),
      batch_seconds(kBatchSeconds),
      visible_seconds(kVisibleSeconds) {}

void PartitionCounts::count_rejected(std::string_view reason) {
  auto found = rejected.find(reason);
  if (found == rejected.end()) {
    const bool room = rejected.size() < kReasons && reason.size() <= kLongestReason;
    found = rejected.emplace(room ? reason : kOther, 0).first;
  }
  ++found->second;
}

void PartitionCounts::add_rows(const std::string& table, std::uint64_t times) {
  if (times > 0) rows[table] += times;
}

}  // namespace sluice
