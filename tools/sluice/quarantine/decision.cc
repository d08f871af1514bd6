#include "tools/sluice/quarantine/decision.h"

#include <simdjson.h>

#include <chrono>
#include <vector>

#include "schemas/descriptors/domain.h"
#include "sluice/envelope.pb.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "tools/sluice/quarantine/edited_event.h"
#include "tools/sluice/records/logged_record.h"

namespace sluice {
namespace {

// Of a record whose bytes have aged out: from the log again.
void give_bytes(Log& log, const QuarantineDecision& decision, Control::Release& release) {
  const Offset offset = decision.offset.value_or(Offset{-1});
  const LoggedRecord record =
      logged_record(log, {stream_of(decision.projection), decision.partition, offset});
  if (key_of(record.key, record.value) != decision.key) {
    throw Misconfigured("the record at " + std::to_string(offset.value) + " of partition " +
                        std::to_string(decision.partition.value) +
                        " is of another key: sluice quarantine list says which");
  }
  release.set_offset(offset.value);
  release.set_value(record.value);
}

// Asked after the append, since an empty partition may have no identity. A log that does not answer
// now has the decision all the same: its token then names no log, and waits all the same.
std::optional<LogIdentity> identity_of_log(Log& log, const std::string& stream,
                                           Partition partition) {
  try {
    return log.topology()->identity(stream, partition);
  } catch (const Retryable&) {
    return std::nullopt;
  }
}

std::string token_of(Log& log, const std::string& domain, const NewRecord& appended) {
  std::string token = domain;
  if (const auto identity = identity_of_log(log, stream_of(domain), appended.partition)) {
    token += "~" + std::string(identity->short_form());
  }
  return token + ":" + std::to_string(appended.partition.value) + "@" +
         std::to_string(appended.offset.next().value);
}

void stamp(Envelope& envelope, const std::string& id) {
  envelope.set_id(id);
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  envelope.set_recorded_at(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

// One behind the other in the partition. The token of the position at which all have taken effect.
std::string append(Log& log, Partition partition, const std::vector<Envelope>& envelopes) {
  std::vector<std::string> values;
  values.reserve(envelopes.size());
  for (const Envelope& envelope : envelopes) values.push_back(envelope.SerializeAsString());
  std::vector<NewRecord> records;
  records.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    records.push_back({.partition = partition, .key = envelopes[i].key(), .value = values[i]});
  }
  const std::string& domain = envelopes.front().domain();
  log.writer()->append(stream_of(domain), records);
  return token_of(log, domain, records.back());
}

Envelope control_of(const std::string& projection, const std::string& key, const char* source) {
  Envelope envelope;
  envelope.set_domain(projection);
  envelope.set_key(key);
  envelope.set_source(source);
  return envelope;
}

void bound(Control& control) {
  if (control.has_release()) control.mutable_release()->set_at_most(kReleasedAtOnce);
  if (control.has_discard()) control.mutable_discard()->set_at_most(kReleasedAtOnce);
  if (control.has_edit()) control.mutable_edit()->set_at_most(kReleasedAtOnce);
}

// The last of them folds whatever is left: what came meanwhile waits, too.
std::vector<Envelope> in_pieces(const Envelope& whole, const QuarantineDecision& decision) {
  std::vector<Envelope> pieces{whole};
  stamp(pieces.front(), decision.id);
  if (decision.waiting <= kReleasedAtOnce) return pieces;
  bound(*pieces.front().mutable_control());
  const std::int64_t more = (decision.waiting - 1) / kReleasedAtOnce;
  for (std::int64_t number = 1; number <= more; ++number) {
    Envelope& piece =
        pieces.emplace_back(control_of(decision.projection, decision.key, whole.source().c_str()));
    stamp(piece, decision.id + "/" + std::to_string(number));
    Control::Release& rest = *piece.mutable_control()->mutable_release();
    rest.set_continues(true);
    if (number < more) rest.set_at_most(kReleasedAtOnce);
  }
  return pieces;
}

// nullopt: retention took it.
std::optional<LoggedRecord> record_if_there(Log& log, const RecordPlace& place) {
  try {
    return logged_record(log, place);
  } catch (const Misconfigured&) {
    return std::nullopt;
  }
}

void set_edit(Log& log, const QuarantineDecision& decision, Control::Edit& edit) {
  const Offset offset = decision.offset.value_or(Offset{-1});
  Envelope event = admitted_event(decision.projection, decision.key, decision.event);
  put_in_place_of(
      record_if_there(log, {stream_of(decision.projection), decision.partition, offset}), event);
  edit.set_offset(offset.value);
  edit.set_value(event.SerializeAsString());
}

// What the view calls a record's key is text, which a key need not be. Where it is another than the
// record's own, the offset names the record alone.
void name_discarded(Log& log, const QuarantineDecision& decision, Envelope& envelope) {
  const Offset offset = decision.offset.value_or(Offset{-1});
  envelope.mutable_control()->mutable_discard()->set_offset(offset.value);
  if (offset < Offset{0}) return;
  const auto record =
      record_if_there(log, {stream_of(decision.projection), decision.partition, offset});
  const bool is_text = simdjson::validate_utf8(decision.key.data(), decision.key.size());
  if (!is_text || (record && key_of(record->key, record->value) != decision.key)) {
    envelope.clear_key();
  }
}

}  // namespace

std::string_view word_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::release:
      return "release";
    case Verdict::discard:
      return "discard";
    case Verdict::edit:
      return "edit";
  }
  return {};
}

std::optional<Verdict> verdict_of(std::string_view word) {
  for (const Verdict verdict : {Verdict::release, Verdict::discard, Verdict::edit}) {
    if (word_of(verdict) == word) return verdict;
  }
  return std::nullopt;
}

std::string key_of(const std::string& record_key, const std::string& value) {
  Envelope envelope;
  if (!record_key.empty() || !envelope.ParseFromString(value)) return record_key;
  return envelope.key();
}

std::string append_repair(Log& log, const RepairDecision& decision) {
  Envelope envelope = control_of(decision.projection, decision.key, "sluice/replay");
  stamp(envelope, decision.id);
  envelope.mutable_control()->mutable_repair();
  return append(log, decision.partition, {envelope});
}

Envelope decision_record(Log& log, const QuarantineDecision& decision) {
  CHECK(decision.verdict == Verdict::release || decision.offset.has_value(),
        "who discards or edits says which record");
  Envelope envelope = control_of(decision.projection, decision.key, "sluice/quarantine");
  Control& control = *envelope.mutable_control();
  control.set_who(decision.who);
  control.set_why(decision.why);
  switch (decision.verdict) {
    case Verdict::discard:
      name_discarded(log, decision, envelope);
      break;
    case Verdict::edit:
      set_edit(log, decision, *control.mutable_edit());
      break;
    case Verdict::release:
      control.mutable_release();
      if (decision.offset) give_bytes(log, decision, *control.mutable_release());
      break;
  }
  return envelope;
}

std::string append_decision(Log& log, const QuarantineDecision& decision) {
  return append(log, decision.partition, in_pieces(decision_record(log, decision), decision));
}

}  // namespace sluice
