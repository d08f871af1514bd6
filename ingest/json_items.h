#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// Cuts a JSON array into its items without reading them. Each item is then parsed by itself, so
// that what a parser holds is bound by an event and not by a body. If every item is JSON and
// nothing is malformed here, the array was JSON.
class JsonItems {
 public:
  // `text` must outlive this; the items are views into it.
  explicit JsonItems(std::string_view text);

  // nullopt: there are no more, or malformed().
  std::optional<std::string_view> next();
  // It is no array, or does not end where it should.
  [[nodiscard]] bool malformed() const { return malformed_; }

 private:
  std::optional<std::string_view> end(bool malformed);

  std::string_view rest_;
  bool begun_ = false;
  bool ended_ = false;
  bool malformed_ = false;
};

// What a number becomes that is beyond every double: fits no field, of whatever type.
inline constexpr std::string_view kBeyondDoubles = R"({"beyond a double":0})";

// The text with other numbers for those that simdjson cannot read: "e0" behind an integer of more
// than 64 bits, and kBeyondDoubles for 1e400, so that the field can be named. What is no JSON is
// none afterwards.
[[nodiscard]] std::string with_readable_numbers(std::string_view json);

}  // namespace sluice
