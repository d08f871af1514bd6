#include "projectors/engine/tables.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "projectors/engine/tables/stored_key.h"
#include "projectors/engine/tables/stored_rows.h"
#include "schemas/descriptors/row_options.h"
#include "sluice/state.pb.h"
#include "storage/damaged_state.h"
#include "storage/memory/memory_state.h"
#include "tests/support/flush_tables.h"

namespace sluice {
namespace {

using Model = std::map<std::pair<std::string, std::int64_t>, std::string>;

// Keys that try the encoding: prefixes of each other, zero bytes, the highest byte, signs.
const std::vector<std::string> kTexts = {
    "", "a", "aa", std::string("a\0", 2), std::string("a\0b", 3), "b", "\xff", "\xff\xff"};
const std::vector<std::int64_t> kNumbers = {INT64_MIN, -1, 0, 1, 255, 256, INT64_MAX};

std::vector<std::pair<std::pair<std::string, std::int64_t>, std::string>> listed(
    RowRange<ParkedRecord> range) {
  std::vector<std::pair<std::pair<std::string, std::int64_t>, std::string>> rows;
  for (const ParkedRecord& row : range) {
    rows.push_back({{row.record_key(), row.position()}, row.value()});
  }
  return rows;
}

struct Process {
  explicit Process(MemoryState& disk) : store(disk), tables(store), table(tables) {}
  void flush() { flush_tables(tables, store); }
  MemoryStateStore store;
  Tables tables;
  Table<ParkedRecord> table;
};

TEST_CASE("a table is an ordered map, whatever was flushed, evicted or forgotten on the way") {
  CHECK(rc::check([] {
    MemoryState disk;
    Process process(disk);
    Model now;
    Model flushed;
    const int steps = *rc::gen::inRange(1, 60);
    for (int i = 0; i < steps; ++i) {
      const std::string& text = *rc::gen::elementOf(kTexts);
      const std::int64_t number = *rc::gen::elementOf(kNumbers);
      switch (*rc::gen::inRange(0, 8)) {
        case 0:
        case 1:
        case 2: {
          ParkedRecord& row = process.table.edit(text, number);
          RC_ASSERT(row.record_key() == text);
          RC_ASSERT(row.position() == number);
          row.set_value(std::to_string(i));
          now[{text, number}] = std::to_string(i);
          break;
        }
        case 3:
          process.table.erase(text, number);
          now.erase({text, number});
          break;
        case 4: {
          const ParkedRecord* row = process.table.find(text, number);
          const auto expected = now.find({text, number});
          RC_ASSERT((row != nullptr) == (expected != now.end()));
          if (row != nullptr) RC_ASSERT(row->value() == expected->second);
          break;
        }
        case 5:
          process.flush();
          flushed = now;
          if (*rc::gen::arbitrary<bool>()) process.tables.shrink_to(0);
          break;
        case 6:
          process.tables.drop();
          now = flushed;
          break;
        default: {
          Model of_text;
          for (const auto& [k, v] : now) {
            if (k.first == text) of_text.emplace(k, v);
          }
          const auto rows = listed(process.table.prefix(text));
          RC_ASSERT(rows == decltype(rows)(of_text.begin(), of_text.end()));
        }
      }
    }
    const auto rows = listed(process.table.prefix());
    RC_ASSERT(rows == decltype(rows)(now.begin(), now.end()));
  }));
}

TEST_CASE("rows may be edited and erased while they are walked") {
  MemoryState disk;
  Process process(disk);
  for (const std::int64_t number : kNumbers) process.table.edit("a", number).set_value("old");
  process.flush();
  process.table.edit("a", std::int64_t{0}).set_value("changed");
  int met = 0;
  for (const ParkedRecord& row : process.table.prefix("a")) {
    ++met;
    if (row.position() < 0) {
      process.table.edit("a", row.position()).set_value("new");
    } else {
      process.table.erase("a", row.position());
    }
  }
  CHECK(met == static_cast<int>(kNumbers.size()));
  CHECK(listed(process.table.prefix()).size() == 2);
}

TEST_CASE("a key is read back from its bytes") {
  ParkedRecord row;
  std::string key;
  row_key::append_prefix(key, row_key::table_prefix(*ParkedRecord::descriptor()));
  row_key::append(key, std::string_view("\0\xff\0", 3));
  row_key::append(key, std::int64_t{-5});
  row_key::set_key(row, key);
  CHECK(row.record_key() == std::string("\0\xff\0", 3));
  CHECK(row.position() == -5);
  std::string again;
  row_key::append_key_of(again, row);
  CHECK(again == key);
  CHECK(row_key::is_key_of(row, key_fields(*ParkedRecord::descriptor()), key));
}

TEST_CASE("bytes that are no key of a row are told, whichever they are") {
  const auto fields = key_fields(*ParkedRecord::descriptor());
  ParkedRecord row;
  row.set_record_key(std::string("a\0b", 3));
  row.set_position(7);
  std::string key;
  row_key::append_key_of(key, row);
  REQUIRE(row_key::is_key_of(row, fields, key));
  std::vector<std::string> wrong;
  for (std::size_t size = 0; size < key.size(); ++size) wrong.push_back(key.substr(0, size));
  wrong.push_back(key + "x");
  std::string escaped = key;
  escaped[6] = 'x';  // behind the zero of the text
  wrong.push_back(escaped);
  for (const std::string& each : wrong) {
    CAPTURE(each);
    ParkedRecord read;
    CHECK_FALSE(row_key::read_key(read, each));
    CHECK_THROWS_AS(row_key::set_key(read, each), DamagedState);
    CHECK_FALSE(row_key::is_key_of(row, fields, each));
  }
  // A number of 32 bits whose key says more.
  TimerRow timer;
  std::string wide;
  row_key::append_prefix(wide, row_key::table_prefix(*TimerRow::descriptor()));
  row_key::append(wide, std::string_view("k"));
  row_key::append(wide, std::int64_t{1} << 40);
  CHECK_FALSE(row_key::read_key(timer, wide));
  CHECK(timer.timer_key() == "k");
}

TEST_CASE("a row under a key that is not its own is told, not read") {
  MemoryState disk;
  Process process(disk);
  process.table.edit("a", std::int64_t{1}).set_value("one");
  process.flush();
  const auto [key, value] = *disk.rows().begin();
  StateBatch batch;
  SECTION("the key of another row") {
    std::string other;
    row_key::append_prefix(other, process.table.rows().prefix());
    row_key::append(other, std::string_view("a"));
    row_key::append(other, std::int64_t{2});
    batch.put(other, value);
    process.store.write(batch);
    CHECK_THROWS_AS(process.table.find("a", std::int64_t{2}), DamagedState);
  }
  SECTION("no key at all") {
    batch.put(key.substr(0, key.size() - 1), value);
    process.store.write(batch);
  }
  process.tables.drop();
  CHECK_THROWS_AS(listed(process.table.prefix("a")), DamagedState);
  CHECK_THROWS_AS(process.table.rows().visit(key.substr(0, 4), [](const auto&) {}), DamagedState);
  StoredRows rows(process.store, ParkedRecord::default_instance());
  const auto walk = [&] {
    while (rows.next() != nullptr) {
    }
  };
  CHECK_THROWS_AS(walk(), DamagedState);
  CHECK(process.table.find("a", std::int64_t{1}) != nullptr);
}

}  // namespace
}  // namespace sluice
