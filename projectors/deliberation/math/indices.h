#pragma once

// What the math counts by. A participant is a row of the vote matrix, in the order of first votes;
// an opinion is a column, in the order of creation; base clusters and groups are in ascending order
// of their ids, which may have gaps.

#include <cstddef>
#include <cstdint>
#include <ranges>
#include <span>
#include <utility>
#include <vector>

namespace sluice::math {

enum class Participant : std::uint32_t {};
enum class Opinion : std::uint32_t {};
enum class BaseCluster : std::uint32_t {};
enum class Group : std::uint32_t {};

template <class Id>
[[nodiscard]] constexpr std::uint32_t index(Id id) {
  return static_cast<std::uint32_t>(id);
}

// Id 0, 1, ... up to `count` of them.
template <class Id>
[[nodiscard]] auto each(std::size_t count) {
  return std::views::iota(std::uint32_t{0}, static_cast<std::uint32_t>(count)) |
         std::views::transform([](std::uint32_t i) { return Id{i}; });
}

// One value for each id: a vector that cannot be indexed by something else.
template <class Id, class Value>
class Per {
 public:
  Per() = default;
  explicit Per(std::size_t size, Value value = {}) : values_(size, value) {}
  explicit Per(std::vector<Value> values) : values_(std::move(values)) {}

  [[nodiscard]] Value& operator[](Id id) { return values_[index(id)]; }
  [[nodiscard]] const Value& operator[](Id id) const { return values_[index(id)]; }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] auto ids() const { return each<Id>(values_.size()); }
  [[nodiscard]] auto begin() const { return values_.begin(); }
  [[nodiscard]] auto end() const { return values_.end(); }
  void push_back(Value value) { values_.push_back(std::move(value)); }

  [[nodiscard]] std::span<Value> values() { return values_; }
  [[nodiscard]] std::span<const Value> values() const { return values_; }

  friend bool operator==(const Per&, const Per&) = default;

 private:
  std::vector<Value> values_;
};

}  // namespace sluice::math
