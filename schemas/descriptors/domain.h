#pragma once

#include <google/protobuf/descriptor.h>

#include <span>
#include <string>
#include <string_view>

namespace sluice {

// What a domain's schemas folder declares.
struct Domain {
  std::string_view name;
  const google::protobuf::Descriptor* event;       // one message with a oneof of facts
  const google::protobuf::FileDescriptor* tables;  // its row messages
  std::string_view tables_source;  // tables.proto as a FileDescriptorSet with its comments
  std::string_view reads_sql;      // views and functions for readers; may be empty
};

// Every domain that was built in, in the order of their names. Misconfigured: a table's options do
// not fit its key.
std::span<const Domain> domains();

// The stream of a domain's events: "deliberation.events".
[[nodiscard]] inline std::string stream_of(std::string_view domain) {
  return std::string(domain) + ".events";
}

}  // namespace sluice
