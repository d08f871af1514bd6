#include "storage/event_log.h"

namespace sluice {
namespace {

void forget_outcomes(std::span<NewRecord> records) {
  for (NewRecord& record : records) {
    record.offset = Offset{-1};
    record.failure = nullptr;
  }
}

// A record that is too large is the cause, where there is one: what is behind it failed with it.
const AppendFailure* cause_of(std::span<const NewRecord> records) {
  const AppendFailure* first = nullptr;
  for (const NewRecord& record : records) {
    if (!record.failure) continue;
    if (record.failure->kind == AppendFailure::Kind::too_large) return record.failure.get();
    if (first == nullptr) first = record.failure.get();
  }
  return first;
}

}  // namespace

void EventWriter::append(std::string_view stream, std::span<NewRecord> records) {
  forget_outcomes(records);
  write(stream, records, Gaps::forbidden);
  const AppendFailure* const cause = cause_of(records);
  if (cause == nullptr) return;
  const std::string what = "appending to " + std::string(stream) + ": " + cause->reason;
  if (cause->kind == AppendFailure::Kind::too_large) throw Misconfigured(what);
  throw Retryable(what);
}

void EventWriter::try_append(std::string_view stream, std::span<NewRecord> records) {
  forget_outcomes(records);
  write(stream, records, Gaps::allowed);
}

}  // namespace sluice
