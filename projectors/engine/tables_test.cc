#include "projectors/engine/tables.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sluice/state.pb.h"
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
}

}  // namespace
}  // namespace sluice
