#include "tools/import/atproto/data/value.h"

namespace sluice::atproto {

Kind Value::kind() const { return in_->nodes_[index_].kind; }

std::size_t Value::at() const { return in_->nodes_[index_].at; }

std::optional<bool> Value::boolean() const {
  if (kind() != Kind::boolean) return std::nullopt;
  return in_->nodes_[index_].number != 0;
}

std::optional<std::int64_t> Value::integer() const {
  if (kind() != Kind::integer) return std::nullopt;
  return in_->nodes_[index_].number;
}

std::optional<std::string_view> Value::text() const {
  const auto& node = in_->nodes_[index_];
  if (node.kind != Kind::text) return std::nullopt;
  return std::string_view(node.data, node.size);
}

std::optional<std::string_view> Value::bytes() const {
  const auto& node = in_->nodes_[index_];
  if (node.kind != Kind::bytes) return std::nullopt;
  return std::string_view(node.data, node.size);
}

std::optional<Cid> Value::link() const {
  const auto& node = in_->nodes_[index_];
  if (node.kind != Kind::link) return std::nullopt;
  return Cid::from_bytes({node.data, node.size});
}

std::size_t Value::size() const {
  const auto& node = in_->nodes_[index_];
  return node.kind == Kind::list || node.kind == Kind::map ? node.size : 0;
}

Value::Items Value::items() const {
  return Items(Value(in_, index_ + 1), kind() == Kind::list ? size() : 0);
}

Value::Items::Iterator& Value::Items::Iterator::operator++() {
  at_.index_ = at_.in_->nodes_[at_.index_].next;
  --left_;
  return *this;
}

Value::Entry Value::entry(std::size_t number) const {
  const auto first = static_cast<std::size_t>(in_->nodes_[index_].number);
  const std::uint32_t key = in_->entries_[first + number];
  const auto& node = in_->nodes_[key];
  return {{node.data, node.size}, Value(in_, key + 1)};
}

std::optional<Value> Value::find(std::string_view key) const {
  if (kind() != Kind::map) return std::nullopt;
  for (std::size_t i = 0; i < size(); ++i) {
    const Entry found = entry(i);
    if (found.key.size() > key.size()) break;
    if (found.key == key) return found.value;
  }
  return std::nullopt;
}

}  // namespace sluice::atproto
