#include "tools/sluice/quarantine/decision.h"

#include <chrono>

#include "schemas/descriptors/domain.h"
#include "sluice/envelope.pb.h"
#include "storage/base/errors.h"
#include "tools/sluice/records/logged_record.h"

namespace sluice {
namespace {

// Of a record whose bytes have aged out: from the log again.
void give_bytes(Log& log, const QuarantineDecision& decision, Control::Release& release) {
  const Offset offset = *decision.offset;
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

}  // namespace

std::string key_of(const std::string& record_key, const std::string& value) {
  Envelope envelope;
  if (!record_key.empty() || !envelope.ParseFromString(value)) return record_key;
  return envelope.key();
}

std::string append_decision(Log& log, const QuarantineDecision& decision) {
  const std::string stream = stream_of(decision.projection);
  Envelope envelope;
  envelope.set_id(decision.id);
  envelope.set_domain(decision.projection);
  envelope.set_key(decision.key);
  envelope.set_source("sluice/quarantine");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  envelope.set_recorded_at(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  if (decision.verdict == Verdict::discard) {
    envelope.mutable_control()->mutable_discard()->set_offset(decision.offset.value().value);
  } else {
    Control::Release& release = *envelope.mutable_control()->mutable_release();
    if (decision.offset) give_bytes(log, decision, release);
  }
  const std::string value = envelope.SerializeAsString();
  NewRecord record{.partition = decision.partition, .key = decision.key, .value = value};
  log.writer()->append(stream, {&record, 1});
  return token_of(log, decision.projection, record);
}

}  // namespace sluice
