#pragma once

// A record of a log as JSON: an event as the CloudEvent that ingest takes, anything else as what it
// is.

#include <google/protobuf/message.h>

#include <memory>
#include <string>

#include "schemas/descriptors/domain.h"
#include "sluice/envelope.pb.h"
#include "storage/event_log.h"

namespace sluice {

struct DescribedRecord {
  enum class Kind {
    event,       // can be posted as it stands
    control,     // the engine's own: a tick, a decision on quarantine
    unreadable,  // no event that ingest would take
  };
  Kind kind;
  std::string json;
};

// Of one domain's stream. Used by one thread.
class RecordDescriber {
 public:
  explicit RecordDescriber(const Domain& domain);

  // An event has its key as `subject`, and in extensions, which ingest leaves unread, where it
  // stands (`partition`, `offset`), when it was recorded (`stampedat`) and, of a derived one, what
  // emitted it (`origin`). What is no event has its fault and its bytes in base64.
  [[nodiscard]] DescribedRecord describe(const LogRecord& record);

 private:
  // What keeps ingest from taking it; empty: nothing. Writes into event_.
  [[nodiscard]] std::string fault_of(const LogRecord& record);

  const std::string domain_;
  const std::unique_ptr<google::protobuf::Message> event_;
  Envelope envelope_;
};

}  // namespace sluice
