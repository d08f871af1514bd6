#pragma once

// An event that a person puts in the place of a record in quarantine.

#include <optional>
#include <string>

#include "sluice/envelope.pb.h"
#include "tools/sluice/records/logged_record.h"

namespace sluice {

// What may be posted may take a record's place. Any thread.
//
// `text` is a CloudEvent in JSON. Misconfigured: ingest would refuse it, which is said as ingest
// says it; or it is of another key than `key`.
[[nodiscard]] Envelope admitted_event(const std::string& projection, const std::string& key,
                                      const std::string& text);

// The event stands where the record stood: it has the record's id, so that what was posted under
// that id counts once, its origin and its time. Of a record that cannot be read (nullopt: the log
// no longer has it) it has none of these: the event's own id counts, and when the record was
// appended.
void put_in_place_of(const std::optional<LoggedRecord>& record, Envelope& event);

}  // namespace sluice
