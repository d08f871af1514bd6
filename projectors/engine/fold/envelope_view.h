#pragma once

// A record's Envelope, opened without copying its fields.

#include <cstdint>
#include <optional>
#include <string_view>

#include "sluice/envelope.pb.h"

namespace sluice {

// What an Envelope says. Borrowed: valid as long as the record's bytes are, and until its opener is
// used again.
struct EnvelopeView {
  std::string_view id, type, domain, key, source, payload;
  std::optional<std::int64_t> recorded_at, occurred_at;  // milliseconds since 1970
  const Actor* actor = nullptr;                          // never null in an opened one
  const Control* control = nullptr;                      // null: it has none
  const Origin* origin = nullptr;                        // the same
};

// Used by one thread.
//
// Nearly every record is plain: an event whose texts but the payload are ASCII, in fields that
// stand once. A plain record is walked by hand (https://protobuf.dev/programming-guides/encoding);
// any other is parsed as a message, so that both ways agree on what is an Envelope.
class EnvelopeOpener {
 public:
  // nullopt when the bytes are not an Envelope.
  [[nodiscard]] std::optional<EnvelopeView> open(std::string_view bytes);

 private:
  [[nodiscard]] bool open_plain(std::string_view bytes, EnvelopeView& opened);
  [[nodiscard]] EnvelopeView view_of_whole() const;

  Actor actor_;     // of a plain one
  Envelope whole_;  // any other
};

}  // namespace sluice
