#pragma once

// A fact with what a producer says about it.

#include <google/protobuf/message.h>

#include <string>
#include <string_view>

#include "sluice/envelope.pb.h"
#include "storage/base/position.h"

namespace sluice::simulate {

template <class Event>
struct PostedFact {
  std::string id;  // the idempotency key
  std::string key;
  Actor actor;
  Event event;
};

// A CloudEvent in JSON, without a line end: what ingest takes as application/x-ndjson.
[[nodiscard]] std::string cloud_event(std::string_view id, const Actor& actor,
                                      const google::protobuf::Message& event);

template <class Event>
[[nodiscard]] std::string cloud_event(const PostedFact<Event>& posted) {
  return cloud_event(posted.id, posted.actor, posted.event);
}

// The wire's name of the fact that is set in a domain's Event.
[[nodiscard]] std::string fact_type(const google::protobuf::Message& event);

// The record that ingest would have appended at this time.
template <class Event>
[[nodiscard]] Envelope envelope(const PostedFact<Event>& posted, Time recorded_at) {
  Envelope envelope;
  envelope.set_id(posted.id);
  envelope.set_type(fact_type(posted.event));
  envelope.set_domain(posted.event.GetDescriptor()->file()->package());
  envelope.set_key(posted.key);
  *envelope.mutable_actor() = posted.actor;
  envelope.set_recorded_at(recorded_at.time_since_epoch().count());
  envelope.set_source("/simulate");
  posted.event.SerializeToString(envelope.mutable_payload());
  return envelope;
}

}  // namespace sluice::simulate
