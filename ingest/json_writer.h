#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Writes one JSON document, compact, into a string. Commas are its business; that names and values
// alternate is the caller's.
class JsonWriter {
 public:
  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& name(std::string_view name);
  JsonWriter& text(std::string_view text);
  template <std::integral Integer>
  JsonWriter& number(Integer number) {
    separate();
    out_ += std::to_string(number);
    return *this;
  }
  JsonWriter& real(double number);
  JsonWriter& flag(bool flag);
  JsonWriter& null();

  JsonWriter& field(std::string_view key, std::string_view value) { return name(key).text(value); }

  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void separate();

  std::string out_;
  bool first_ = true;  // nothing stands before the next value in its object or array
};

}  // namespace sluice
