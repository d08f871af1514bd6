#pragma once

#include <optional>

#include "tools/import/atproto/data/value.h"

namespace sluice::atproto {

// Whether `a` stands before `b` in a map of DAG-CBOR and of canonical JSON: by length, then bytes.
[[nodiscard]] bool canonical_less(std::string_view a, std::string_view b);

// How decoders fill a document: values in the order of the input. Empties it first.
class DocumentBuilder {
 public:
  // A list or map that is not ended yet.
  struct Open {
    std::uint32_t node;
    std::size_t first_key;
  };

  // Borrowed: both for as long as this lives. `text_bound`: no more bytes come through keep().
  DocumentBuilder(Document& into, std::size_t text_bound);

  // Nothing more may be put into it.
  [[nodiscard]] bool full() const { return into_.nodes_.size() >= kMaxValues; }

  void null(std::size_t at) { put(Kind::null, at); }
  void boolean(std::size_t at, bool value) { put(Kind::boolean, at).number = value ? 1 : 0; }
  void integer(std::size_t at, std::int64_t value) { put(Kind::integer, at).number = value; }
  // Kinds text, bytes and link, which is the 36 bytes of a CID. The bytes are not copied.
  void view(Kind kind, std::size_t at, std::string_view bytes);

  [[nodiscard]] Open begin(Kind kind, std::size_t at);
  void key(std::size_t at, std::string_view text);
  void end_list(Open list, std::size_t items);
  // Puts the keys in order. nullopt, or where a key is for the second time.
  [[nodiscard]] std::optional<std::size_t> end_map(Open map);

  // A copy that lives as long as the document, of a text that is not in the input as it is.
  [[nodiscard]] std::string_view keep(std::string_view text);
  // The same with U+FFFD in place of each U+0000, which jsonb does not have.
  [[nodiscard]] std::string_view keep_without_zeros(std::string_view text);

 private:
  Document::Node& put(Kind kind, std::size_t at);
  [[nodiscard]] std::string_view text_of(std::uint32_t node) const;

  Document& into_;
  std::vector<std::uint32_t>& keys_;
  const std::size_t text_bound_;
};

}  // namespace sluice::atproto
