#pragma once

#include <cstddef>
#include <ext/pb_ds/assoc_container.hpp>
#include <ext/pb_ds/tree_policy.hpp>
#include <functional>
#include <utility>

namespace sluice {

// Places of one group's rows by their order; places begin at 0.
template <class Place>
class OrderedPlaces {
 public:
  [[nodiscard]] std::size_t size() const { return tree_.size(); }
  // Null behind the last.
  [[nodiscard]] const Place* at(std::size_t place) const {
    const auto found = tree_.find_by_order(place);
    return found == tree_.end() ? nullptr : &*found;
  }
  // How many come before it, which need not be among them.
  [[nodiscard]] std::size_t ahead_of(const Place& place) const { return tree_.order_of_key(place); }
  // In order.
  [[nodiscard]] auto begin() const { return tree_.begin(); }
  [[nodiscard]] auto end() const { return tree_.end(); }

  // False when it was there, or was not.
  bool insert(Place place) { return tree_.insert(std::move(place)).second; }
  bool erase(const Place& place) { return tree_.erase(place); }

 private:
  __gnu_pbds::tree<Place, __gnu_pbds::null_type, std::less<Place>, __gnu_pbds::rb_tree_tag,
                   __gnu_pbds::tree_order_statistics_node_update>
      tree_;
};

}  // namespace sluice
