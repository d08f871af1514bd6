#include "tools/import/atproto/data/canonical.h"

#include <array>
#include <charconv>

#include "storage/base/json_writer.h"
#include "tools/import/atproto/bytes/base64.h"

namespace sluice::atproto {
namespace {

constexpr std::string_view kLink = "$link";
constexpr std::string_view kBytes = "$bytes";
constexpr std::string_view kType = "$type";

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}

  // False: see fault().
  bool value(Value value, int depth);
  [[nodiscard]] Fault fault() const { return fault_; }

 private:
  bool fail(Value at, const char* reason) {
    fault_ = {at.at(), reason};
    return false;
  }
  bool fits(Value at, int depth) { return depth <= kMaxDepth || fail(at, "deeper than 64"); }
  bool list(Value list, int depth);
  bool map(Value map, int depth);
  bool link(Value at, const std::optional<Cid>& cid, int depth);
  bool bytes(Value at, std::string_view bytes, int depth);
  // Of a map with a key of these names.
  bool named_link(Value map, Value named, int depth);
  bool named_bytes(Value map, Value named, int depth);
  bool typed(Value map, Value type);
  bool blob(Value map);

  std::string& out_;
  Fault fault_;
};

void append_digits(std::string& out, std::int64_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

bool Writer::link(Value at, const std::optional<Cid>& cid, int depth) {
  if (!fits(at, depth)) return false;
  if (!cid) return fail(at, "a link in no form that atproto has");
  out_ += "{\"$link\":\"";
  cid->append_text(out_);
  out_ += "\"}";
  return true;
}

bool Writer::bytes(Value at, std::string_view bytes, int depth) {
  if (!fits(at, depth)) return false;
  out_ += "{\"$bytes\":\"";
  append_base64(out_, bytes);
  out_ += "\"}";
  return true;
}

bool Writer::named_link(Value map, Value named, int depth) {
  if (map.size() != 1) return fail(map, "$link with something beside it");
  const auto text = named.text();
  return link(map, text ? Cid::from_text(*text) : std::nullopt, depth);
}

bool Writer::named_bytes(Value map, Value named, int depth) {
  if (map.size() != 1) return fail(map, "$bytes with something beside it");
  const auto text = named.text();
  const auto decoded = text ? decode_base64(*text) : std::nullopt;
  if (!decoded) return fail(map, "$bytes that is no base64");
  return bytes(map, *decoded, depth);
}

bool Writer::blob(Value map) {
  const auto ref = map.find("ref");
  const auto mime_type = map.find("mimeType");
  const auto size = map.find("size");
  // What stands under $link is looked at when it is written.
  const bool has_ref = ref && (ref->kind() == Kind::link || ref->find(kLink));
  if (!has_ref) return fail(map, "a blob without ref");
  if (!mime_type || !mime_type->text()) return fail(map, "a blob without mimeType");
  if (!size || !size->integer()) return fail(map, "a blob without size");
  return true;
}

bool Writer::typed(Value map, Value type) {
  const auto text = type.text();
  if (!text || text->empty()) return fail(type, "$type that is no text or empty");
  return *text != "blob" || blob(map);
}

bool Writer::list(Value list, int depth) {
  if (!fits(list, depth)) return false;
  out_ += '[';
  bool first = true;
  for (const Value item : list.items()) {
    if (!first) out_ += ',';
    first = false;
    if (!value(item, depth)) return false;
  }
  out_ += ']';
  return true;
}

bool Writer::map(Value map, int depth) {
  if (!fits(map, depth)) return false;
  const std::size_t before = out_.size();
  out_ += '{';
  for (std::size_t i = 0; i < map.size(); ++i) {
    const auto [key, inner] = map.entry(i);
    if (key.starts_with('$') && (key == kLink || key == kBytes)) {
      out_.resize(before);
      return key == kLink ? named_link(map, inner, depth) : named_bytes(map, inner, depth);
    }
    if (key == kType && !typed(map, inner)) return false;
    if (i > 0) out_ += ',';
    append_json_string(out_, key);
    out_ += ':';
    if (!value(inner, depth)) return false;
  }
  out_ += '}';
  return true;
}

bool Writer::value(Value value, int depth) {
  switch (value.kind()) {
    case Kind::null:
      out_ += "null";
      return true;
    case Kind::boolean:
      out_ += value.boolean().value_or(false) ? "true" : "false";
      return true;
    case Kind::integer:
      append_digits(out_, value.integer().value_or(0));
      return true;
    case Kind::text:
      append_json_string(out_, value.text().value_or(""));
      return true;
    case Kind::bytes:
      return bytes(value, value.bytes().value_or(""), depth + 1);
    case Kind::link:
      return link(value, value.link(), depth + 1);
    case Kind::list:
      return list(value, depth + 1);
    case Kind::map:
      return map(value, depth + 1);
  }
  return false;
}

}  // namespace

std::optional<Fault> append_canonical(Value record, std::string& out) {
  if (record.kind() != Kind::map || record.find(kLink) || record.find(kBytes)) {
    return Fault{record.at(), "a record that is no map"};
  }
  const std::size_t before = out.size();
  Writer writer(out);
  const bool written = writer.value(record, 0);
  if (written && out.size() - before <= kMaxRecordBytes) return std::nullopt;
  out.resize(before);
  return written ? Fault{record.at(), "a record beyond 384 KiB"} : writer.fault();
}

}  // namespace sluice::atproto
