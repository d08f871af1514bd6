#include "projectors/engine/computed/running_computation.h"

#include <utility>

#include "storage/base/check.h"

namespace sluice {
namespace {

std::size_t size_of(const ComputedRows& rows) {
  constexpr std::size_t kRow = 64;
  std::size_t bytes = 0;
  for (const ComputedRows::Table& table : rows.tables) {
    for (const auto& row : table.rows) bytes += kRow + row->SpaceUsedLong();
  }
  return bytes;
}

}  // namespace

RunningComputation::RunningComputation(ComputationQueue::Key key, Of of, const Computed& what,
                                       ComputationQueue::Clock::time_point begun_at)
    : key_(std::move(key)),
      of_(std::move(of)),
      stop_(of_.state->stop()),
      computation_(what.make(key_.name)),
      begun_at_(begun_at) {}

bool RunningComputation::read(const std::function<void(Offset)>& reads) {
  const auto reading = of_.state->read();
  if (!reading) return false;
  as_of_ = reading->as_of();
  reads(as_of_);
  const RulesScope scope;
  return computation_->read(reading->snapshot(), stop_);
}

std::optional<ComputedResult> RunningComputation::compute(const ComputationClocks& clocks) {
  const RulesScope scope;
  if (!computation_->compute(stop_)) return std::nullopt;
  ComputedResult result;
  result.key = key_.name;
  result.as_of = as_of_;
  const auto elapsed = clocks.steady() - begun_at_;
  result.rows = computation_->rows(
      {as_of_, clocks.wall(), std::chrono::round<std::chrono::milliseconds>(elapsed)});
  result.bytes = size_of(result.rows);
  result.took = clocks.steady() - begun_at_;
  return result;
}

}  // namespace sluice
