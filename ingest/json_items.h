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

// The text with "e0" behind every integer of more than 18 digits: simdjson takes numbers of any
// length, but integers only as far as 64 bits go.
[[nodiscard]] std::string with_wide_integers(std::string_view json);

}  // namespace sluice
