#include "tools/import/atproto/data/document_builder.h"

#include <algorithm>

#include "storage/base/check.h"

namespace sluice::atproto {

bool canonical_less(std::string_view a, std::string_view b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

DocumentBuilder::DocumentBuilder(Document& into, std::size_t text_bound)
    : into_(into), keys_(into.open_keys_), text_bound_(text_bound) {
  into_.nodes_.clear();
  into_.entries_.clear();
  into_.texts_.clear();
  keys_.clear();
}

Document::Node& DocumentBuilder::put(Kind kind, std::size_t at) {
  Document::Node& node = into_.nodes_.emplace_back();
  node.kind = kind;
  node.at = static_cast<std::uint32_t>(at);
  node.next = static_cast<std::uint32_t>(into_.nodes_.size());
  return node;
}

void DocumentBuilder::view(Kind kind, std::size_t at, std::string_view bytes) {
  Document::Node& node = put(kind, at);
  node.data = bytes.data();
  node.size = static_cast<std::uint32_t>(bytes.size());
}

DocumentBuilder::Open DocumentBuilder::begin(Kind kind, std::size_t at) {
  put(kind, at);
  return {static_cast<std::uint32_t>(into_.nodes_.size() - 1), keys_.size()};
}

void DocumentBuilder::key(std::size_t at, std::string_view text) {
  keys_.push_back(static_cast<std::uint32_t>(into_.nodes_.size()));
  view(Kind::text, at, text);
}

void DocumentBuilder::end_list(Open list, std::size_t items) {
  Document::Node& node = into_.nodes_[list.node];
  node.size = static_cast<std::uint32_t>(items);
  node.next = static_cast<std::uint32_t>(into_.nodes_.size());
}

std::string_view DocumentBuilder::text_of(std::uint32_t node) const {
  return {into_.nodes_[node].data, into_.nodes_[node].size};
}

std::optional<std::size_t> DocumentBuilder::end_map(Open map) {
  const auto first = keys_.begin() + static_cast<std::ptrdiff_t>(map.first_key);
  const auto less = [this](std::uint32_t a, std::uint32_t b) {
    return canonical_less(text_of(a), text_of(b));
  };
  // Equal keys keep their order, so that the second one is named.
  if (!std::is_sorted(first, keys_.end(), less)) std::stable_sort(first, keys_.end(), less);
  const auto twice = std::adjacent_find(
      first, keys_.end(),
      [this](std::uint32_t a, std::uint32_t b) { return text_of(a) == text_of(b); });
  if (twice != keys_.end()) return into_.nodes_[*(twice + 1)].at;
  Document::Node& node = into_.nodes_[map.node];
  node.size = static_cast<std::uint32_t>(keys_.end() - first);
  node.number = static_cast<std::int64_t>(into_.entries_.size());
  node.next = static_cast<std::uint32_t>(into_.nodes_.size());
  into_.entries_.insert(into_.entries_.end(), first, keys_.end());
  keys_.erase(first, keys_.end());
  return std::nullopt;
}

std::string_view DocumentBuilder::keep(std::string_view text) {
  // Views into it must stay: it is never let grow.
  if (into_.texts_.empty()) into_.texts_.reserve(text_bound_);
  CHECK(into_.texts_.size() + text.size() <= into_.texts_.capacity(), "the decoder said the bound");
  const std::size_t begin = into_.texts_.size();
  into_.texts_ += text;
  return std::string_view(into_.texts_).substr(begin);
}

std::string_view DocumentBuilder::keep_without_zeros(std::string_view text) {
  std::string without;
  for (const char c : text) {
    if (c == '\0') {
      without += "\xef\xbf\xbd";
    } else {
      without += c;
    }
  }
  return keep(without);
}

}  // namespace sluice::atproto
