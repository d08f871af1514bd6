#pragma once

// Fields of maps that messages are, by the type they must have. nullopt: not there, or of another.

#include "tools/import/atproto/data/value.h"
#include "tools/import/atproto/syntax/moment.h"

namespace sluice::atproto {

[[nodiscard]] inline std::optional<std::string_view> text_field(Value map, std::string_view key) {
  const auto found = map.find(key);
  return found ? found->text() : std::nullopt;
}

[[nodiscard]] inline std::optional<std::string_view> bytes_field(Value map, std::string_view key) {
  const auto found = map.find(key);
  return found ? found->bytes() : std::nullopt;
}

[[nodiscard]] inline std::optional<std::int64_t> integer_field(Value map, std::string_view key) {
  const auto found = map.find(key);
  return found ? found->integer() : std::nullopt;
}

[[nodiscard]] inline std::optional<bool> boolean_field(Value map, std::string_view key) {
  const auto found = map.find(key);
  return found ? found->boolean() : std::nullopt;
}

[[nodiscard]] inline std::optional<Cid> link_field(Value map, std::string_view key) {
  const auto found = map.find(key);
  return found ? found->link() : std::nullopt;
}

[[nodiscard]] inline std::optional<Moment> datetime_field(Value map, std::string_view key) {
  const auto text = text_field(map, key);
  return text ? parse_datetime(*text) : std::nullopt;
}

// Not there or null is fine for what a lexicon has as nullable or not required: `present` says
// whether there is a value at all.
[[nodiscard]] inline bool present(Value map, std::string_view key) {
  const auto found = map.find(key);
  return found && found->kind() != Kind::null;
}

}  // namespace sluice::atproto
