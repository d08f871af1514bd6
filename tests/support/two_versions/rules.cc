#include "tests/support/two_versions/rules.h"

#include <cstdlib>
#include <stdexcept>

namespace sluice {
namespace {

constexpr std::int64_t kThirteen = 13;

// Version 1 cannot, until somebody mends it and forgets its version: here by this variable.
bool counts_thirteen() {
  static const bool mended = std::getenv("COUNTERS_MENDED") != nullptr;
  return Counters::kVersion > 1 || mended;
}

}  // namespace

void Counters::fold(const Event& event, const Record&, Effects& effects) {
  constexpr bool kFirst = kVersion == 1;
  const counters::CounterAdded& fact = event.counter_added();
  if (kFirst && fact.amount() > 50) return effects.reject("counter.too_much");
  if (fact.amount() == kThirteen && !counts_thirteen()) throw std::runtime_error("13 is no number");
  counters::Counter& counter = counters_.edit(fact.counter_id());
  const bool twice = !kFirst && fact.counter_id().starts_with("b");
  counter.set_additions(counter.additions() + 1);
  counter.set_total(counter.total() + fact.amount() * (twice ? 2 : 1));
  echoes::Event echo;
  echo.mutable_echo_heard()->set_echo_id(fact.counter_id());
  echo.mutable_echo_heard()->set_total(counter.total());
  effects.emit(echo);
}

void Echoes::fold(const Event& event, const Record&, Effects&) {
  const echoes::EchoHeard& fact = event.echo_heard();
  echoes::Echo& echo = echoes_.edit(fact.echo_id());
  echo.set_heard(echo.heard() + 1);
  echo.set_total(fact.total());
}

}  // namespace sluice
