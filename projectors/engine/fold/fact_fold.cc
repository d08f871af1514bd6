#include "projectors/engine/fold/fact_fold.h"

#include <algorithm>
#include <charconv>
#include <new>
#include <vector>

#include "projectors/engine/fold/event_id.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/damaged_state.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// What a row of sluice.rejection takes, about.
constexpr std::size_t kRejectionBytes = 128;

}  // namespace

std::optional<Unfoldable> FactFold::decode(const OpenRecord& open) {
  if (!decoder_.decode(open.envelope.payload)) {
    return Unfoldable{"payload: not an Event of the domain"};
  }
  const std::vector<Fault> faults = decoder_.check();
  if (!faults.empty()) return Unfoldable{faults.front().field + ": " + faults.front().reason};
  if (decoder_.key() != open.key) return Unfoldable{"key: differs from the fact's key field"};
  if (!open.envelope.type.empty() && open.envelope.type != decoder_.type()) {
    return Unfoldable{"type: names another fact than the payload's"};
  }
  return std::nullopt;
}

template <class Call, class Rules>
void FactFold::run(Call call, Rules rules) {
  try {
    const RulesScope scope;
    rules();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& failure) {
    throw RulesFailed(call(), failure.what());
  } catch (...) {
    // A domain may throw what it likes, and no record ends a process.
    throw RulesFailed(call(), "what they threw is no std::exception");
  }
}

void FactFold::fold(const OpenRecord& open) {
  // A derived record has its receipt, which does not end with the horizon.
  if (open.envelope.origin == nullptr && counted_before(open)) return;

  std::optional<Time> occurred_at;
  if (const auto at = open.envelope.occurred_at) occurred_at = Time{milliseconds(*at)};
  const Record folded{open.envelope.id,     open.envelope.source, *open.envelope.actor,
                      open.recorded_at,     occurred_at,          open.record.offset,
                      open.folds_at.next(), record_time_};
  ++parts_.outcomes.folded;
  parts_.outcomes.recorded.add(open.recorded_at);
  if (decoder_.rules().service_only() && !by_service(open)) {
    return reject(open, "actor.not_allowed");
  }
  parts_.outbox.set_record_time(record_time_);
  Effects effects(parts_.tables, parts_.timers, parts_.outbox, {open.key, open.record.offset});
  parts_.tables.make_for(open.key);
  run(
      [&] {
        return RuleCall{RuleCall::Of::fact, open.folds_at, open.record.offset};
      },
      [&] { rules_.fold(folded, effects); });
  if (!effects.rejection().empty()) reject(open, effects.rejection());
  tell_emissions(open.key);
  if (watch_ != nullptr) watch_->folded(open.record.offset);
}

bool FactFold::waits(const OpenRecord& open, const std::string& person) {
  const RuleCall call{RuleCall::Of::waiting_fact, open.folds_at, open.record.offset};
  if (parts_.failures.find(call) != nullptr) return false;
  parts_.outbox.set_record_time(record_time_);
  const std::uint64_t edits = parts_.tables.edits();
  Effects effects(parts_.tables, parts_.timers, parts_.outbox, {open.key, open.record.offset});
  run([&]() -> const RuleCall& { return call; },
      [&] {
        rules_.waits(person, effects);
        CHECK(parts_.tables.edits() == edits && effects.rejection().empty(),
              "a fact that waits only emits");
      });
  parts_.tables.make_for(open.key);
  tell_emissions(open.key);
  return true;
}

void FactFold::move_time(const OpenRecord& open) {
  record_time_ = std::max(record_time_, open.recorded_at);
  fire_due(open.folds_at);
}

void FactFold::fire_due(Offset folds_at) {
  for (;;) {
    const std::optional<Timer> timer = parts_.timers.take_due(record_time_);
    if (!timer) return;
    fire(*timer, folds_at);
  }
}

namespace {

// The position in quarantine that the engine's own timer names.
Offset aged_out(const Timer& timer) {
  Offset position;
  const char* const end = timer.key.data() + timer.key.size();
  const auto [read, fault] = std::from_chars(timer.key.data(), end, position.value);
  if (fault == std::errc() && read == end) return position;
  throw DamagedState("the timer \"" + std::string(timer.key) +
                     "\" is to age out a record, and names none");
}

}  // namespace

void FactFold::fire(Timer timer, Offset folds_at) {
  if (timer.kind == kAgesOut) {
    const Offset position = aged_out(timer);
    if (parts_.index.kept()) {
      parts_.index.fired(parts_.parking.key_at(position).value_or(""), record_time_);
    }
    return parts_.quarantine.age_out(position);
  }
  parts_.index.fired(timer.record_key, record_time_);
  if (parts_.parking.timer(timer.record_key)) return parts_.timers.wait(timer);
  if (const std::string* why = parts_.failures.of_timer(folds_at, timer)) {
    return parts_.quarantine.add_timer(timer, *why, record_time_);
  }
  timer.folded_to = folds_at.next();
  parts_.outbox.set_record_time(record_time_);
  Effects effects(parts_.tables, parts_.timers, parts_.outbox,
                  {timer.record_key, timer.set_at, timer.due});
  parts_.tables.make_for(timer.record_key);
  run([&] { return RuleCall::of_timer(folds_at, timer); }, [&] { rules_.fire(timer, effects); });
  tell_emissions(timer.record_key);
}

// Once the rules are done: a rejection takes back what they emitted before it.
void FactFold::tell_emissions(std::string_view key) {
  if (parts_.emissions != nullptr) parts_.emissions->take(key, parts_.outbox);
}

bool FactFold::counted_before(const OpenRecord& open) {
  const EventId id = id_of(open.key, open.envelope.id);
  parts_.dedupe.prefetch(id);
  const std::uint64_t content = content_of(open.envelope.payload);
  const auto first = parts_.dedupe.seen(id, record_time_);
  if (watch_ != nullptr) watch_->met_id(open.record.offset, id, first.has_value());
  if (first) {
    ++parts_.outcomes.duplicates;
    if (*first != content) reject(open, "event.id_reused");
    return true;
  }
  parts_.dedupe.mark(id, content, record_time_);
  return false;
}

void FactFold::reject(const OpenRecord& open, std::string_view reason) {
  parts_.outcomes.bytes += kRejectionBytes;
  parts_.outcomes.rejections.push_back({open.record.offset, std::string(open.envelope.id),
                                        std::string(open.envelope.type), std::string(open.key),
                                        std::string(reason), open.recorded_at});
}

}  // namespace sluice
