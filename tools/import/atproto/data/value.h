#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/import/atproto/data/cid.h"

namespace sluice::atproto {

// A value of atproto's data model (specification, Data Model): no floats, whole numbers of 64 bits.
enum class Kind : std::uint8_t { null, boolean, integer, text, bytes, link, list, map };

// Limits of one document, which bound its memory whatever its bytes claim.
constexpr int kMaxDepth = 64;                   // lists and maps inside each other
constexpr std::size_t kMaxValues = 256 * 1024;  // keys count

class Document;

// A place in a document: two words, passed by value. Valid as long as the document keeps what it
// holds and, as texts and bytes are views, as long as the input it was read from.
class Value {
 public:
  struct Entry;
  class Items;

  [[nodiscard]] Kind kind() const;
  // Where it begins in the input, in bytes.
  [[nodiscard]] std::size_t at() const;

  // nullopt: of another kind.
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<std::int64_t> integer() const;
  [[nodiscard]] std::optional<std::string_view> text() const;
  [[nodiscard]] std::optional<std::string_view> bytes() const;
  [[nodiscard]] std::optional<Cid> link() const;

  // Items of a list, entries of a map; 0 for all else.
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] Items items() const;
  // The entries of a map stand in canonical order: shorter keys first, equal lengths by bytes.
  [[nodiscard]] Entry entry(std::size_t number) const;
  // nullopt: no such key, or no map.
  [[nodiscard]] std::optional<Value> find(std::string_view key) const;

 private:
  friend class Document;
  Value(const Document* in, std::uint32_t index) : in_(in), index_(index) {}
  const Document* in_;
  std::uint32_t index_;
};

struct Value::Entry {
  std::string_view key;
  Value value;
};

// A list's items, for a range-for.
class Value::Items {
 public:
  class Iterator {
   public:
    Iterator(Value at, std::size_t left) : at_(at), left_(left) {}
    Value operator*() const { return at_; }
    Iterator& operator++();
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.left_ == b.left_; }

   private:
    Value at_;
    std::size_t left_;
  };
  explicit Items(Value first, std::size_t count) : first_(first), count_(count) {}
  [[nodiscard]] Iterator begin() const { return {first_, count_}; }
  [[nodiscard]] Iterator end() const { return {first_, 0}; }

 private:
  Value first_;
  std::size_t count_;
};

// One decoded value and all in it. Meant to be kept and read into again: what it has allocated
// stays, so a decoder in its stride allocates nothing.
class Document {
 public:
  Document() = default;
  Document(const Document&) = delete;
  Document& operator=(const Document&) = delete;

  // Only after a decoder said that it is well-formed.
  [[nodiscard]] Value root() const { return {this, 0}; }
  // Values and keys in it.
  [[nodiscard]] std::size_t size() const { return nodes_.size(); }

 private:
  friend class Value;
  friend class DocumentBuilder;

  struct Node {
    const char* data = nullptr;  // of text, bytes and link
    std::int64_t number = 0;     // of an integer or boolean; of a map its first place in entries_
    std::uint32_t size = 0;      // of text, bytes, link; items of a list, entries of a map
    std::uint32_t next = 0;      // the node behind this value and all in it
    std::uint32_t at = 0;
    Kind kind = Kind::null;
  };
  std::vector<Node> nodes_;             // in the order of the input; a key stands before its value
  std::vector<std::uint32_t> entries_;  // nodes that are keys, of each map in canonical order
  std::string texts_;                   // texts that are not in the input as they are
  std::vector<std::uint32_t> open_keys_;  // while it is built: keys of maps that are not ended
};

}  // namespace sluice::atproto
