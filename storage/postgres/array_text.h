#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

// An array as text, for a parameter of a statement.
class ArrayText {
 public:
  void add(std::string_view value);
  void add(std::int64_t value);
  void add_null();
  [[nodiscard]] std::string text() const { return list_ + "}"; }

 private:
  void separate();

  std::string list_ = "{";
};

}  // namespace sluice
