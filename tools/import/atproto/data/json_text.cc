#include "tools/import/atproto/data/json_text.h"

#include <charconv>
#include <cstring>
#include <limits>

#include "tools/import/atproto/bytes/utf8.h"
#include "tools/import/atproto/data/document_builder.h"

namespace sluice::atproto {
namespace {

constexpr std::size_t kMaxInput = std::numeric_limits<std::int32_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_surrogate(std::uint32_t point) { return point >= 0xd800 && point < 0xe000; }

// How many characters from the first on need no look: neither quote, backslash nor control.
std::size_t plain_prefix(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighBits = 0x8080808080808080;
  const auto has_zero = [](std::uint64_t word) { return (word - kOnes) & ~word & kHighBits; };
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHighBits;
    if ((control | has_zero(word ^ kOnes * '"') | has_zero(word ^ kOnes * '\\')) != 0) break;
  }
  while (at < text.size() && text[at] != '"' && text[at] != '\\' &&
         static_cast<unsigned char>(text[at]) >= 0x20) {
    ++at;
  }
  return at;
}

class Reader {
 public:
  Reader(std::string_view in, Document& into, int max_depth)
      : in_(in), max_depth_(max_depth), out_(into, in.size()) {}

  bool document() {
    if (!value(0)) return false;
    skip_space();
    return at_ == in_.size() || fail(at_, "text behind the value");
  }
  [[nodiscard]] Fault fault() const { return fault_; }

 private:
  bool fail(std::size_t at, const char* reason) {
    fault_ = {at, reason};
    return false;
  }
  // '\0' at the end, which is no character of JSON.
  [[nodiscard]] char here() const { return at_ < in_.size() ? in_[at_] : '\0'; }
  bool skip(char c) {
    if (here() != c) return false;
    ++at_;
    return true;
  }
  void skip_space() {
    while (here() == ' ' || here() == '\n' || here() == '\t' || here() == '\r') ++at_;
  }
  bool value(int depth);
  bool word(std::string_view word);
  bool number();
  bool string(std::string_view& text);
  bool escaped_rest(std::size_t begin, std::string_view& text);
  bool escape(std::string& text);
  bool unicode_escape(std::size_t place, std::string& text);
  bool hex(std::uint32_t& unit);
  bool list(int depth);
  bool map(int depth);
  bool entry(int depth);

  const std::string_view in_;
  const int max_depth_;
  std::size_t at_ = 0;
  DocumentBuilder out_;
  std::string unescaped_;
  Fault fault_;
};

bool Reader::word(std::string_view word) {
  if (!in_.substr(at_).starts_with(word)) return fail(at_, "no JSON value");
  at_ += word.size();
  return true;
}

bool Reader::number() {
  const std::size_t begin = at_;
  skip('-');
  const std::size_t digits = at_;
  while (is_digit(here())) ++at_;
  const std::size_t end = at_;
  if (end == digits) return fail(begin, "no JSON value");
  if (in_[digits] == '0' && end - digits > 1) return fail(begin, "a number that begins with 0");
  if (skip('.')) {
    while (here() == '0') ++at_;
    if (is_digit(here())) return fail(begin, "a number with a fraction");
    if (at_ == end + 1) return fail(begin, "a point without digits");
  }
  if (here() == 'e' || here() == 'E') return fail(begin, "a number with an exponent");
  std::int64_t value = 0;
  const auto [_, error] = std::from_chars(in_.data() + begin, in_.data() + end, value);
  if (error != std::errc{}) return fail(begin, "a number beyond 64 bits");
  out_.integer(begin, value);
  return true;
}

// From behind its first quote.
bool Reader::string(std::string_view& text) {
  const std::size_t begin = at_;
  at_ += plain_prefix(in_.substr(at_));
  if (here() != '"') return escaped_rest(begin, text);
  text = in_.substr(begin, at_ - begin);
  ++at_;
  return true;
}

bool Reader::escaped_rest(std::size_t begin, std::string_view& text) {
  unescaped_.assign(in_, begin, at_ - begin);
  while (!skip('"')) {
    if (at_ == in_.size()) return fail(begin - 1, "a text without end");
    if (in_[at_] != '\\') return fail(at_, "a control character in a text");
    if (!escape(unescaped_)) return false;
    const std::size_t plain = plain_prefix(in_.substr(at_));
    unescaped_.append(in_, at_, plain);
    at_ += plain;
  }
  text = out_.keep(unescaped_);
  return true;
}

bool Reader::escape(std::string& text) {
  constexpr std::string_view kNames = "\"\\/bfnrt";
  constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
  const std::size_t place = at_++;
  if (skip('u')) return unicode_escape(place, text);
  const auto name = at_ < in_.size() ? kNames.find(in_[at_]) : std::string_view::npos;
  if (name == std::string_view::npos) return fail(place, "an unknown escape");
  text += kMeant[name];
  ++at_;
  return true;
}

bool Reader::hex(std::uint32_t& unit) {
  if (in_.size() - at_ < 4) return false;
  const char* const end = in_.data() + at_ + 4;
  const auto [stop, error] = std::from_chars(in_.data() + at_, end, unit, 16);
  at_ += 4;
  return error == std::errc{} && stop == end;
}

bool Reader::unicode_escape(std::size_t place, std::string& text) {
  std::uint32_t point = 0;
  if (!hex(point)) return fail(place, "an escape without four digits");
  if (is_surrogate(point)) {
    std::uint32_t low = 0;
    const bool pair =
        point < 0xdc00 && skip('\\') && skip('u') && hex(low) && low >= 0xdc00 && is_surrogate(low);
    if (!pair) return fail(place, "half of a surrogate pair");
    point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
  }
  append_utf8(text, point == 0 ? 0xfffd : point);
  return true;
}

bool Reader::list(int depth) {
  if (depth > max_depth_) return fail(at_, "too deep");
  const auto open = out_.begin(Kind::list, at_++);
  std::size_t items = 0;
  skip_space();
  if (!skip(']')) {
    do {
      if (!value(depth)) return false;
      ++items;
      skip_space();
    } while (skip(','));
    if (!skip(']')) return fail(at_, "neither comma nor ]");
  }
  out_.end_list(open, items);
  return true;
}

bool Reader::entry(int depth) {
  skip_space();
  const std::size_t place = at_;
  if (out_.full()) return fail(place, "more than 262144 values");
  if (!skip('"')) return fail(place, "a key that is no text");
  std::string_view key;
  if (!string(key)) return false;
  out_.key(place, key);
  skip_space();
  if (!skip(':')) return fail(at_, "no colon behind a key");
  return value(depth);
}

bool Reader::map(int depth) {
  if (depth > max_depth_) return fail(at_, "too deep");
  const auto open = out_.begin(Kind::map, at_++);
  skip_space();
  if (!skip('}')) {
    do {
      if (!entry(depth)) return false;
      skip_space();
    } while (skip(','));
    if (!skip('}')) return fail(at_, "neither comma nor }");
  }
  const auto twice = out_.end_map(open);
  return !twice || fail(*twice, "a key for the second time");
}

bool Reader::value(int depth) {
  skip_space();
  const std::size_t place = at_;
  if (out_.full()) return fail(place, "more than 262144 values");
  std::string_view text;
  switch (here()) {
    case '{':
      return map(depth + 1);
    case '[':
      return list(depth + 1);
    case '"':
      ++at_;
      if (!string(text)) return false;
      out_.view(Kind::text, place, text);
      return true;
    case 't':
    case 'f':
      if (!word(here() == 't' ? "true" : "false")) return false;
      out_.boolean(place, in_[place] == 't');
      return true;
    case 'n':
      if (!word("null")) return false;
      out_.null(place);
      return true;
    default:
      return number();
  }
}

}  // namespace

std::optional<Fault> decode_json(std::string_view text, Document& into, int max_depth) {
  if (text.size() > kMaxInput) return Fault{kMaxInput, "more than 2 GiB"};
  if (!scan_text(text).ascii) {
    const std::size_t sound = valid_utf8(text);
    if (sound < text.size()) return Fault{sound, "not UTF-8"};
  }
  Reader reader(text, into, max_depth);
  if (!reader.document()) return reader.fault();
  return std::nullopt;
}

}  // namespace sluice::atproto
