#pragma once

#include <google/protobuf/descriptor.h>

#include <cstddef>

#include "ingest/domain_codec.h"
#include "storage/base/json_writer.h"

namespace sluice {

// Writes what an event may be as JSON Schema: the rules that ingest applies, as far as JSON Schema
// can say them. What it cannot (that items differ in one field, say) stands in a description.

// A fact's data, or a message in it.
void write_message_schema(JsonWriter& json, const google::protobuf::Descriptor& type);

// A structured CloudEvent with this fact.
void write_event_schema(JsonWriter& json, const DomainCodec::Fact& fact);

}  // namespace sluice
