#pragma once

// DAG-CBOR for the tests of what reads it. Written plainly and apart from the reader, so that both
// must be wrong alike to agree.

#include <cstdint>
#include <stdexcept>
#include <string>

#include "tools/import/atproto/bytes/base64.h"
#include "tools/import/atproto/data/canonical.h"
#include "tools/import/atproto/data/dag_cbor.h"
#include "tools/import/atproto/data/json_text.h"

namespace sluice::atproto::testing {

inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  std::string pair;
  for (const char c : hex) {
    if (c == ' ') continue;
    pair += c;
    if (pair.size() < 2) continue;
    bytes += static_cast<char>(std::stoi(pair, nullptr, 16));
    pair.clear();
  }
  return bytes;
}

inline void append_head(std::string& out, unsigned major, std::uint64_t argument) {
  const auto first = [&](unsigned info) { out += static_cast<char>(major << 5 | info); };
  unsigned size = 0;
  if (argument < 24) return first(static_cast<unsigned>(argument));
  if (argument < 0x100) {
    first(24);
    size = 1;
  } else if (argument < 0x10000) {
    first(25);
    size = 2;
  } else if (argument < 0x100000000) {
    first(26);
    size = 4;
  } else {
    first(27);
    size = 8;
  }
  while (size-- > 0) out += static_cast<char>(argument >> (8 * size) & 0xff);
}

inline void append_string(std::string& out, unsigned major, std::string_view text) {
  append_head(out, major, text.size());
  out += text;
}

inline void append_link(std::string& out, const Cid& cid) {
  append_head(out, 6, 42);
  append_string(out, 2, std::string(1, '\0').append(cid.bytes()));
}

// DAG-CBOR of a value that was read from JSON.
inline void append_cbor(std::string& out, Value value) {
  if (value.kind() == Kind::null) out += '\xf6';
  if (const auto truth = value.boolean()) out += *truth ? '\xf5' : '\xf4';
  if (const auto text = value.text()) append_string(out, 3, *text);
  if (const auto number = value.integer()) {
    append_head(out, *number < 0 ? 1 : 0,
                static_cast<std::uint64_t>(*number < 0 ? ~*number : *number));
  }
  if (value.kind() == Kind::list) {
    append_head(out, 4, value.size());
    for (const Value item : value.items()) append_cbor(out, item);
  }
  if (value.kind() != Kind::map) return;
  if (const auto link = value.find("$link"))
    return append_link(out, *Cid::from_text(*link->text()));
  if (const auto bytes = value.find("$bytes")) {
    return append_string(out, 2, *decode_base64(*bytes->text()));
  }
  append_head(out, 5, value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    append_string(out, 3, value.entry(i).key);
    append_cbor(out, value.entry(i).value);
  }
}

inline std::string cbor_of(std::string_view json) {
  Document document;
  if (const auto fault = decode_json(json, document)) {
    throw std::runtime_error(std::string(json) + ": " + fault->reason);
  }
  std::string out;
  append_cbor(out, document.root());
  return out;
}

inline std::string bytes_json(std::string_view bytes) {
  std::string text = "{\"$bytes\":\"";
  append_base64(text, bytes);
  return text + "\"}";
}

inline std::string link_json(const Cid& cid) { return "{\"$link\":\"" + cid.text() + "\"}"; }

inline std::string frame_of(std::string_view header, std::string_view body) {
  return cbor_of(header) + cbor_of(body);
}

// A record in JSON as canonical JSON, or "byte N: why not".
inline std::string canonical(std::string_view json, int max_depth = kMaxDepth) {
  Document document;
  std::string out;
  auto fault = decode_json(json, document, max_depth);
  if (!fault) fault = append_canonical(document.root(), out);
  if (fault) return "byte " + std::to_string(fault->at) + ": " + fault->reason;
  return out;
}

}  // namespace sluice::atproto::testing
