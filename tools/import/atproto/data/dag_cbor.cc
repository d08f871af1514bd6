#include "tools/import/atproto/data/dag_cbor.h"

#include <limits>

#include "tools/import/atproto/bytes/utf8.h"
#include "tools/import/atproto/data/document_builder.h"

namespace sluice::atproto {
namespace {

constexpr std::size_t kMaxInput = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kGreatest = std::numeric_limits<std::int64_t>::max();
constexpr std::uint64_t kLinkTag = 42;
constexpr unsigned kFalse = 20;
constexpr unsigned kTrue = 21;
constexpr unsigned kNull = 22;

enum Major : unsigned { natural, negative, bytes, text, list, map, tag, simple };

struct Head {
  Major major = natural;
  unsigned info = 0;  // the low five bits
  std::uint64_t argument = 0;
};

class Decoder {
 public:
  Decoder(std::string_view in, std::size_t at, Document& into)
      : in_(in), at_(at), out_(into, 3 * (in.size() - at)) {}

  // False: see fault().
  bool value(int depth);
  [[nodiscard]] std::size_t at() const { return at_; }
  [[nodiscard]] Fault fault() const { return fault_; }

 private:
  bool fail(std::size_t at, const char* reason) {
    fault_ = {at, reason};
    return false;
  }
  [[nodiscard]] std::size_t left() const { return in_.size() - at_; }
  [[nodiscard]] unsigned byte(std::size_t at) const { return static_cast<unsigned char>(in_[at]); }
  bool head(Head& read);
  bool argument(Head& read);
  // The bytes of a byte string or a text of this length.
  bool take(std::uint64_t length, std::string_view& taken);
  bool checked_text(std::uint64_t length, std::string_view& taken);
  bool text_value(std::size_t place, std::uint64_t length);
  bool bytes_value(std::size_t place, std::uint64_t length);
  bool list_value(std::size_t place, std::uint64_t count, int depth);
  bool map_value(std::size_t place, std::uint64_t count, int depth);
  bool key(std::string_view& previous, bool first);
  bool link_value(std::size_t place, const Head& head);
  bool simple_value(std::size_t place, unsigned info);

  const std::string_view in_;
  std::size_t at_;
  DocumentBuilder out_;
  Fault fault_;
};

bool Decoder::head(Head& read) {
  if (left() == 0) return fail(at_, "ends where a value is due");
  const unsigned first = byte(at_);
  read.major = static_cast<Major>(first >> 5);
  read.info = first & 31;
  if (read.major == simple) {
    ++at_;
    return true;
  }
  return argument(read);
}

// RFC 8949 section 3, with the shortest form demanded (section 4.2.1).
bool Decoder::argument(Head& read) {
  const std::size_t place = at_++;
  read.argument = read.info;
  if (read.info < 24) return true;
  if (read.info == 31) return fail(place, "an indefinite length");
  if (read.info > 27) return fail(place, "a reserved length");
  const std::size_t size = std::size_t{1} << (read.info - 24);
  if (left() < size) return fail(place, "ends inside a length");
  read.argument = 0;
  for (std::size_t i = 0; i < size; ++i) read.argument = read.argument << 8 | byte(at_ + i);
  at_ += size;
  const bool shortest = size == 1 ? read.argument >= 24 : read.argument >> (size * 4) != 0;
  return shortest || fail(place, "a number or length not in its shortest form");
}

bool Decoder::take(std::uint64_t length, std::string_view& taken) {
  if (length > left()) return fail(at_, "a length beyond the end");
  taken = in_.substr(at_, length);
  at_ += taken.size();
  return true;
}

bool Decoder::checked_text(std::uint64_t length, std::string_view& taken) {
  if (!take(length, taken)) return false;
  const TextScan scan = scan_text(taken);
  if (!scan.ascii) {
    const std::size_t sound = valid_utf8(taken);
    if (sound < taken.size()) return fail(at_ - taken.size() + sound, "a text that is not UTF-8");
  }
  if (scan.has_zero) taken = out_.keep_without_zeros(taken);
  return true;
}

bool Decoder::text_value(std::size_t place, std::uint64_t length) {
  std::string_view taken;
  if (!checked_text(length, taken)) return false;
  out_.view(Kind::text, place, taken);
  return true;
}

bool Decoder::bytes_value(std::size_t place, std::uint64_t length) {
  std::string_view taken;
  if (!take(length, taken)) return false;
  out_.view(Kind::bytes, place, taken);
  return true;
}

bool Decoder::list_value(std::size_t place, std::uint64_t count, int depth) {
  if (depth > kMaxDepth) return fail(place, "deeper than 64");
  if (count > left()) return fail(place, "a length beyond the end");
  const auto open = out_.begin(Kind::list, place);
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!value(depth)) return false;
  }
  out_.end_list(open, count);
  return true;
}

bool Decoder::map_value(std::size_t place, std::uint64_t count, int depth) {
  if (depth > kMaxDepth) return fail(place, "deeper than 64");
  if (count > left() / 2) return fail(place, "a length beyond the end");
  const auto open = out_.begin(Kind::map, place);
  std::string_view previous;
  for (std::uint64_t i = 0; i < count; ++i) {
    if (!key(previous, i == 0) || !value(depth)) return false;
  }
  // Only U+FFFD in place of U+0000 makes two keys equal that differ in the bytes.
  const auto twice = out_.end_map(open);
  return !twice || fail(*twice, "a key for the second time");
}

bool Decoder::key(std::string_view& previous, bool first) {
  const std::size_t place = at_;
  if (out_.full()) return fail(place, "more than 262144 values");
  Head read;
  if (!head(read)) return false;
  if (read.major != text) return fail(place, "a key that is no text");
  std::string_view taken;
  const std::size_t begin = at_;
  if (!checked_text(read.argument, taken)) return false;
  const std::string_view as_written = in_.substr(begin, at_ - begin);
  if (!first && !canonical_less(previous, as_written)) {
    return fail(place, previous == as_written ? "a key for the second time"
                                              : "keys not by length, then bytes");
  }
  previous = as_written;
  out_.key(place, taken);
  return true;
}

bool Decoder::link_value(std::size_t place, const Head& head_of_tag) {
  if (head_of_tag.argument != kLinkTag) return fail(place, "a tag other than 42");
  Head read;
  if (!head(read)) return false;
  std::string_view taken;
  if (read.major != bytes) return fail(place, "a tag 42 over no bytes");
  if (!take(read.argument, taken)) return false;
  if (!taken.starts_with('\0') || !Cid::from_bytes(taken.substr(1))) {
    return fail(place, "a link in no form that atproto has");
  }
  out_.view(Kind::link, place, taken.substr(1));
  return true;
}

bool Decoder::simple_value(std::size_t place, unsigned info) {
  if (info == kNull) {
    out_.null(place);
    return true;
  }
  if (info == kTrue || info == kFalse) {
    out_.boolean(place, info == kTrue);
    return true;
  }
  return fail(place, info >= 25 && info <= 27 ? "a float" : "a simple value other than null");
}

bool Decoder::value(int depth) {
  const std::size_t place = at_;
  if (out_.full()) return fail(place, "more than 262144 values");
  Head read;
  if (!head(read)) return false;
  switch (read.major) {
    case natural:
    case negative:
      if (read.argument > kGreatest) return fail(place, "a number beyond 64 bits");
      out_.integer(place, read.major == natural ? static_cast<std::int64_t>(read.argument)
                                                : -1 - static_cast<std::int64_t>(read.argument));
      return true;
    case bytes:
      return bytes_value(place, read.argument);
    case text:
      return text_value(place, read.argument);
    case list:
      return list_value(place, read.argument, depth + 1);
    case map:
      return map_value(place, read.argument, depth + 1);
    case tag:
      return link_value(place, read);
    case simple:
      return simple_value(place, read.info);
  }
  return false;
}

}  // namespace

std::optional<Fault> decode_cbor(std::string_view bytes, std::size_t& at, Document& into) {
  if (bytes.size() > kMaxInput) return Fault{kMaxInput, "more than 2 GiB"};
  Decoder decoder(bytes, at, into);
  if (!decoder.value(0)) return decoder.fault();
  at = decoder.at();
  return std::nullopt;
}

std::optional<Fault> decode_cbor(std::string_view bytes, Document& into) {
  std::size_t at = 0;
  if (const auto fault = decode_cbor(bytes, at, into)) return fault;
  if (at != bytes.size()) return Fault{at, "bytes behind the value"};
  return std::nullopt;
}

}  // namespace sluice::atproto
