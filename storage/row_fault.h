#pragma once

// What is wrong with a row, in words that a person and a table of Postgres take.

#include <google/protobuf/message.h>

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// A row, or one column of it, that is not what the log makes of it.
struct RowFault {
  enum class Side : std::uint8_t { view, state };  // whose row it is
  enum class What : std::uint8_t { changed, missing, extra };
  Side side = Side::view;
  What what = What::changed;
  std::string owner;     // the partition key that the row belongs to
  std::string table;     // as Postgres has it
  std::string key;       // {"conversation_id": "c1"}
  std::string column;    // empty: the whole row
  std::string expected;  // JSON; "null": there should be no row
  std::string found;     // the same

  // Whether both are about the same place.
  [[nodiscard]] bool is_of(const RowFault& other) const {
    return side == other.side && what == other.what && table == other.table && key == other.key &&
           column == other.column;
  }
};

[[nodiscard]] std::string_view word(RowFault::Side side);
[[nodiscard]] std::string_view word(RowFault::What what);

// Faults of one comparison: counted, and kept up to a bound.
class RowFaults {
 public:
  static constexpr std::size_t kKeptMax = 10'000;
  void add(RowFault fault) {
    ++count_;
    owners_.insert(fault.owner);
    if (kept_.size() < kKeptMax) kept_.push_back(std::move(fault));
  }
  // Those that two looks have found; of what was not kept of either all that the second found.
  void add_common(const RowFaults& first, const RowFaults& second);
  [[nodiscard]] bool all_kept() const { return static_cast<std::int64_t>(kept_.size()) == count_; }
  [[nodiscard]] std::int64_t count() const { return count_; }
  [[nodiscard]] const std::vector<RowFault>& kept() const { return kept_; }
  // Of all, kept or not.
  [[nodiscard]] const std::set<std::string, std::less<>>& owners() const { return owners_; }

 private:
  std::int64_t count_ = 0;
  std::set<std::string, std::less<>> owners_;
  std::vector<RowFault> kept_;
};

// Adds what differs between two rows of one type, of which one may be null; `columns_only`: fields
// that are no columns do not count. Each field that differs is a fault, or else the whole row.
void compare_rows(RowFault::Side side, const google::protobuf::Message* expected,
                  const google::protobuf::Message* found, bool columns_only, RowFaults& faults);

// {"name": value, ...} of the key fields.
[[nodiscard]] std::string key_json(const google::protobuf::Message& row);

}  // namespace sluice
