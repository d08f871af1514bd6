#pragma once

// An order over a table's rows, beside their keys: who is at a place, and how many are ahead of
// somebody, in logarithmic time. Held in memory only: a group's order is built from the table when
// it is first asked for, follows every edit from then on, counts with the tables' bytes and may be
// dropped with them, to be built again.

#include <concepts>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "projectors/engine/tables.h"
#include "projectors/engine/tables/ordered_places.h"

namespace sluice {

// CHECKs that the table's rows are those that the order knew.
void check_entered(bool entered);
void check_left(bool left);

// What orders rows: in a group that is the first field of their key, a text, by what place_of()
// says of them, which must differ for any two rows of a group.
template <class By, class Row>
concept Orders = requires(const Row& row, const typename By::Place& place) {
  { By::group_of(row) } -> std::convertible_to<std::string_view>;
  { By::place_of(row) } -> std::same_as<typename By::Place>;
  // What a place has allocated beside itself.
  { By::heap_bytes(place) } -> std::convertible_to<std::size_t>;
  { place < place } -> std::same_as<bool>;
};

// Declared behind the Table that it orders, as a member of the same projection. A row must not be
// changed through a reference from before an order was asked for: edit() it again.
template <class Row, Orders<Row> By>
class OrderIndex final : private RowObserver {
 public:
  using Place = typename By::Place;
  using Places = OrderedPlaces<Place>;

  OrderIndex(Tables& tables, Table<Row>& rows) : tables_(tables), rows_(rows.rows()) {
    rows_.observe(*this);
  }
  OrderIndex(const OrderIndex&) = delete;
  OrderIndex& operator=(const OrderIndex&) = delete;

  // The group's rows in order. Valid until the next change of a row.
  [[nodiscard]] const Places& of(std::string_view group) {
    rows_.tell_observers();
    const auto found = groups_.find(group);
    Group& known = found == groups_.end() ? build(group) : found->second;
    known.used = true;
    return known.places;
  }

  // The groups with rows that were changed since rows were last written or this was last asked: for
  // a projection's refresh().
  [[nodiscard]] std::set<std::string, std::less<>> take_changed() {
    rows_.tell_observers();
    return std::exchange(changed_, {});
  }

 private:
  struct Group {
    Places places;
    std::size_t bytes = 0;  // what tables count for it
    bool used = true;       // since the last sweep
  };
  // A node of the tree beside its value, and what an allocation costs.
  static constexpr std::size_t kNodeBytes = 56;
  static constexpr std::size_t kGroupBytes = 256;

  static std::size_t bytes_of(const Place& place) {
    return sizeof place + kNodeBytes + By::heap_bytes(place);
  }
  static const Row& typed(const google::protobuf::Message& row) {
    return static_cast<const Row&>(row);
  }
  Group* known_group(const Row& row) {
    const auto found = groups_.find(std::string_view(By::group_of(row)));
    return found == groups_.end() ? nullptr : &found->second;
  }
  void count(Group& group, std::ptrdiff_t change) {
    group.bytes += static_cast<std::size_t>(change);
    tables_.count_order_bytes(change);
  }
  void add(Group& group, const Row& row) {
    Place place = By::place_of(row);
    count(group, static_cast<std::ptrdiff_t>(bytes_of(place)));
    check_entered(group.places.insert(std::move(place)));
  }

  Group& build(std::string_view name) {
    Group& group = groups_[std::string(name)];
    count(group, kGroupBytes);
    std::string prefix;
    row_key::append_prefix(prefix, rows_.prefix());
    row_key::append(prefix, name);
    rows_.visit(prefix, [&](const google::protobuf::Message& row) { add(group, typed(row)); });
    return group;
  }

  void note_change(const Row& row) {
    const std::string_view group = By::group_of(row);
    if (!changed_.contains(group)) changed_.emplace(group);
  }
  void leave(const google::protobuf::Message& row) override {
    note_change(typed(row));
    Group* group = known_group(typed(row));
    if (group == nullptr) return;
    const Place place = By::place_of(typed(row));
    count(*group, -static_cast<std::ptrdiff_t>(bytes_of(place)));
    check_left(group->places.erase(place));
  }
  void enter(const google::protobuf::Message& row) override {
    note_change(typed(row));
    if (Group* group = known_group(typed(row))) add(*group, typed(row));
  }
  // Their bytes are forgotten with the tables'.
  void forget() override {
    groups_.clear();
    changed_.clear();
  }
  void written() override { changed_.clear(); }
  void sweep(const std::function<bool()>& enough) override {
    for (auto at = groups_.begin(); at != groups_.end() && !enough();) {
      if (std::exchange(at->second.used, false)) {
        ++at;
        continue;
      }
      tables_.count_order_bytes(-static_cast<std::ptrdiff_t>(at->second.bytes));
      at = groups_.erase(at);
    }
  }

  Tables& tables_;
  TableRows& rows_;
  std::map<std::string, Group, std::less<>> groups_;
  std::set<std::string, std::less<>> changed_;
};

}  // namespace sluice
