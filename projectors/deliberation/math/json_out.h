#pragma once

// JSON, value by value, behind what is already in a string: no tree in between.

#include <concepts>
#include <string>
#include <string_view>

namespace sluice::math {

class JsonOut {
 public:
  // Borrowed: `out` must outlive this.
  explicit JsonOut(std::string& out) : out_(out) {}

  JsonOut& key(std::string_view name);
  void begin_object() { open('{'); }
  void end_object() { close('}'); }
  void begin_list() { open('['); }
  void end_list() { close(']'); }

  void text(std::string_view value);
  void truth(bool value);
  void null();
  // The fewest digits that read back as the same number; null for what is not finite.
  void number(double value);
  template <std::integral Number>
  void integer(Number value) {
    whole(static_cast<long long>(value));
  }

 private:
  void comma() {
    if (needs_comma_) out_ += ',';
    needs_comma_ = true;
  }
  void open(char bracket);
  void close(char bracket);
  void quoted(std::string_view text);
  void whole(long long value);

  std::string& out_;
  bool needs_comma_ = false;
};

}  // namespace sluice::math
