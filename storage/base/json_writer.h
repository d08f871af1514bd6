#pragma once

// JSON, value by value, behind what is already in a string: compact, no tree in between. The one
// place that knows how a text is escaped.

#include <concepts>
#include <string>
#include <string_view>
#include <utility>

namespace sluice {

// Commas are its business; that names and values alternate, and that what is begun is ended, is the
// caller's. Bytes that are not UTF-8 pass as they are.
class JsonWriter {
 public:
  // Into a string of its own, to be had with take().
  JsonWriter() = default;
  // Borrowed: `out` must outlive this.
  explicit JsonWriter(std::string& out) : borrowed_(&out) {}

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& name(std::string_view name);

  JsonWriter& text(std::string_view text);
  template <std::signed_integral Integer>
  JsonWriter& number(Integer number) {
    return whole(static_cast<long long>(number));
  }
  template <std::unsigned_integral Integer>
  JsonWriter& number(Integer number) {
    return natural(static_cast<unsigned long long>(number));
  }
  // The fewest digits that read back as the same number, and -0 as 0; null for what is not finite.
  JsonWriter& real(double number);
  JsonWriter& flag(bool flag);
  JsonWriter& null();
  // A value that is JSON already.
  JsonWriter& json(std::string_view value);

  JsonWriter& field(std::string_view key, std::string_view value) { return name(key).text(value); }
  template <std::integral Integer>
  JsonWriter& field(std::string_view key, Integer value) {
    name(key);
    if constexpr (std::same_as<Integer, bool>) {
      return flag(value);
    } else {
      return number(value);
    }
  }
  // Not by conversion to bool.
  JsonWriter& field(std::string_view key, const char* value) {
    return field(key, std::string_view(value));
  }

  [[nodiscard]] std::string take() { return std::move(own_); }

 private:
  std::string& out() { return borrowed_ == nullptr ? own_ : *borrowed_; }
  std::string& next();
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  JsonWriter& whole(long long number);
  JsonWriter& natural(unsigned long long number);

  std::string own_;
  std::string* borrowed_ = nullptr;  // null: own_
  bool first_ = true;                // nothing stands before the next value in its object or array
};

// `text` as a JSON string, in quotes.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace sluice
