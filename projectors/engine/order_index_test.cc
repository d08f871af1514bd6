// An order index against sorting everything, whatever was edited, flushed, evicted or forgotten.

#include "projectors/engine/order_index.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <vector>

#include "sluice/state.pb.h"
#include "storage/memory/memory_state.h"
#include "tests/support/flush_tables.h"

namespace sluice {
namespace {

// By value descending, then position.
struct ByValue {
  struct Place {
    std::string value;
    std::int64_t position = 0;
    friend bool operator<(const Place& a, const Place& b) {
      return a.value != b.value ? a.value > b.value : a.position < b.position;
    }
    bool operator==(const Place&) const = default;
  };
  static const std::string& group_of(const ParkedRecord& row) { return row.record_key(); }
  static Place place_of(const ParkedRecord& row) { return {row.value(), row.position()}; }
  static std::size_t heap_bytes(const Place& place) { return place.value.capacity(); }
};

struct Kept {
  explicit Kept(MemoryState& disk)
      : store(disk), tables(store), table(tables), order(tables, table) {}
  void flush() { flush_tables(tables, store); }
  MemoryStateStore store;
  Tables tables;
  Table<ParkedRecord> table;
  OrderIndex<ParkedRecord, ByValue> order;
};

using Places = std::vector<ByValue::Place>;

Places sorted(Kept& kept, const std::string& group) {
  Places places;
  for (const ParkedRecord& row : kept.table.prefix(group)) places.push_back(ByValue::place_of(row));
  std::sort(places.begin(), places.end());
  return places;
}

void require_sorted(Kept& kept, const std::string& group) {
  const Places expected = sorted(kept, group);
  const auto& found = kept.order.of(group);
  RC_ASSERT(Places(found.begin(), found.end()) == expected);
  RC_ASSERT(found.size() == expected.size());
  RC_ASSERT(found.at(expected.size()) == nullptr);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    RC_ASSERT(*found.at(i) == expected[i]);
    RC_ASSERT(found.ahead_of(expected[i]) == i);
  }
  const ByValue::Place other{"5", 3};
  const auto ahead = std::count_if(expected.begin(), expected.end(),
                                   [&](const ByValue::Place& place) { return place < other; });
  RC_ASSERT(found.ahead_of(other) == static_cast<std::size_t>(ahead));
}

void change(Kept& kept, int what, const std::string& group, std::int64_t position) {
  const std::string value = std::to_string(what / 100 % 10);
  if (what % 10 < 6) {
    kept.table.edit(group, position).set_value(value);
  } else if (what % 10 < 8) {
    kept.table.erase(group, position);
  } else if (const ParkedRecord* row = kept.table.find(group, position)) {
    kept.table.edit_found(*row).set_value(value);
  }
}

}  // namespace

TEST_CASE("an order is that of the rows, whatever was edited, flushed, evicted or forgotten") {
  CHECK(rc::check("order", [] {
    MemoryState disk;
    Kept kept(disk);
    for (const int what : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 100'000))) {
      const std::string group = what / 7 % 3 == 0 ? "a" : "aa";
      const int step = what / 1000 % 16;
      if (step < 10) {
        change(kept, what, group, what / 13 % 12);
      } else if (step < 13) {
        require_sorted(kept, group);
      } else if (step == 13) {
        kept.flush();
      } else if (step == 14) {
        kept.flush();
        kept.tables.shrink_to(0);
        RC_ASSERT(kept.tables.bytes() == 0u);
      } else {
        kept.tables.drop();
      }
    }
    require_sorted(kept, "a");
    require_sorted(kept, "aa");
  }));
}

TEST_CASE("an order counts with the bytes of the tables, and is dropped behind the rows") {
  MemoryState disk;
  Kept kept(disk);
  for (int i = 0; i < 1000; ++i) kept.table.edit("a", i).set_value(std::to_string(i % 7));
  kept.flush();
  const std::size_t rows = kept.tables.bytes();
  CHECK(kept.order.of("a").size() == 1000);
  const std::size_t order = kept.tables.bytes() - rows;
  CHECK(order > 1000 * (sizeof(ByValue::Place) + 40));
  kept.tables.shrink_to(order);
  CHECK(kept.tables.bytes() == order);
  kept.tables.shrink_to(order - 1);
  CHECK(kept.tables.bytes() == 0);
  CHECK(kept.order.of("a").size() == 1000);
  // Built again without keeping the rows.
  CHECK(kept.tables.bytes() == order);
}

TEST_CASE("orders that are shared are held while all of them have room, however few rows may be") {
  MemoryState disk;
  MemoryState other_disk;
  SharedBytes shared(150'000);
  Kept kept(disk);
  Kept other(other_disk);
  for (Kept* each : {&kept, &other}) {
    each->tables.share_orders(shared);
    for (int i = 0; i < 1000; ++i) each->table.edit("a", i).set_value(std::to_string(i % 7));
    each->flush();
  }
  CHECK(kept.order.of("a").size() == 1000);
  kept.tables.shrink_to(0);
  const std::size_t order = kept.tables.bytes();
  CHECK(order > 90'000);
  // The two together hold too much, and the first that looks gives memory back.
  CHECK(other.order.of("a").size() == 1000);
  CHECK(shared.over());
  kept.tables.shrink_to(0);
  CHECK(kept.tables.bytes() == 0);
  other.tables.shrink_to(0);
  CHECK(other.tables.bytes() == order);
  CHECK_FALSE(shared.over());
  // What is forgotten, or gone, is not held.
  other.tables.drop();
  CHECK(kept.order.of("a").size() == 1000);
  CHECK_FALSE(shared.over());
}

TEST_CASE("the groups that changed are told once, and not after they were written or forgotten") {
  MemoryState disk;
  Kept kept(disk);
  using Groups = std::set<std::string, std::less<>>;
  kept.table.edit("a", 1).set_value("1");
  kept.table.edit("b", 1).set_value("1");
  CHECK(kept.order.take_changed() == Groups{"a", "b"});
  CHECK(kept.order.take_changed().empty());
  kept.table.erase("b", 1);
  kept.table.edit("c", 1).set_value("1");
  CHECK(kept.order.take_changed() == Groups{"b", "c"});
  kept.table.edit("a", 1).set_value("2");
  kept.flush();
  CHECK(kept.order.take_changed().empty());
  kept.table.edit("a", 1).set_value("3");
  kept.tables.drop();
  CHECK(kept.order.take_changed().empty());
}

}  // namespace sluice
