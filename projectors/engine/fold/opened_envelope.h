#pragma once

// A record's Envelope, opened without copying what it holds.

#include <cstdint>
#include <optional>
#include <string_view>

#include "sluice/envelope.pb.h"

namespace sluice {

// Used by one thread. What it returns is borrowed from the bytes or from itself: valid until the
// next open().
//
// Nearly every record is plain: an event whose texts but the payload are ASCII, in fields that
// stand once. Such a one is walked by hand (https://protobuf.dev/programming-guides/encoding); any
// other is parsed as a message, so that both ways agree on what is an Envelope.
class OpenedEnvelope {
 public:
  // False when the bytes are not an Envelope. They must outlive what is asked for.
  [[nodiscard]] bool open(std::string_view bytes);

  [[nodiscard]] std::string_view id() const { return fields_.id; }
  [[nodiscard]] std::string_view type() const { return fields_.type; }
  [[nodiscard]] std::string_view domain() const { return fields_.domain; }
  [[nodiscard]] std::string_view key() const { return fields_.key; }
  [[nodiscard]] std::string_view source() const { return fields_.source; }
  [[nodiscard]] std::string_view payload() const { return fields_.payload; }
  [[nodiscard]] const Actor& actor() const { return plain_ ? actor_ : whole_.actor(); }
  // Milliseconds since 1970.
  [[nodiscard]] std::optional<std::int64_t> recorded_at() const { return fields_.recorded_at; }
  [[nodiscard]] std::optional<std::int64_t> occurred_at() const { return fields_.occurred_at; }

  // Null when it has none.
  [[nodiscard]] const Control* control() const {
    return !plain_ && whole_.has_control() ? &whole_.control() : nullptr;
  }
  [[nodiscard]] const Origin* origin() const {
    return !plain_ && whole_.has_origin() ? &whole_.origin() : nullptr;
  }

 private:
  struct Fields {
    std::string_view id, type, domain, key, source, payload;
    std::optional<std::int64_t> recorded_at, occurred_at;
  };
  [[nodiscard]] bool open_plain(std::string_view bytes);
  void show_whole();

  bool plain_ = true;
  Fields fields_;
  Actor actor_;     // of a plain one
  Envelope whole_;  // of any other
};

}  // namespace sluice
