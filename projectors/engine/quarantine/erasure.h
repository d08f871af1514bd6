#pragma once

// Erasing a person from quarantine: the rows hold records as they came, which a person's erasure in
// the tables does not reach.

#include <google/protobuf/message.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/state.pb.h"
#include "storage/base/position.h"

namespace sluice {

// What becomes of a record that waits.
struct Erasure {
  Offset position;
  std::optional<std::string> kept;  // the bytes that stay in its place; nullopt: it goes
};

// What of the records that wait under one key, in their order, is of the person or of somebody who
// became them while waiting. Bytes that are no fact are nobody's. `event` is scratch: an Event of
// the domain.
[[nodiscard]] std::vector<Erasure> erase_waiting(std::span<const ParkedRecord> waiting,
                                                 std::string_view person,
                                                 google::protobuf::Message& event);

// Whether a record holds a person's text or choice.
enum class PersonalData {
  present,
  none,     // by its kind of fact
  unknown,  // the record cannot be read, or its fact does not say
};
[[nodiscard]] PersonalData personal_data_of(std::string_view value, std::string_view domain,
                                            google::protobuf::Message& event);

}  // namespace sluice
