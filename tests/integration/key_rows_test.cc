// Rows of one key, as they should be, held against those that Postgres has.

#include "storage/postgres/key_rows.h"

#include <catch2/catch.hpp>
#include <string>

#include "shapes/tables.pb.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/schema.h"
#include "tests/integration/fresh_database.h"

namespace sluice {
namespace {

using shapes::EveryType;

std::string named(const std::string& url, const std::string& name) {
  return url + (url.find('?') == std::string::npos ? "?" : "&") + "application_name=" + name;
}

}  // namespace

// A key may take an hour to fold: a transaction that stays open for it would keep all dead rows of
// the database from being taken away.
TEST_CASE("what steps change is kept without a transaction, until it is asked for") {
  const std::string url = testing::fresh_database();
  const PublishedSchema schema{.domain = "shapes", .tables = EveryType::descriptor()->file()};
  apply_schema(url, {&schema, 1});
  KeyRows rows(named(url, "traces"), "shapes", 1);
  PgConnection other(url);
  const auto state = [&] {
    return std::string(
        other.run("SELECT state FROM pg_stat_activity WHERE application_name = 'traces'")
            .text(0, 0));
  };

  // More than is sent at once.
  constexpr std::int64_t kSteps = 3000;
  EveryType row;
  row.set_text_key("key");
  for (std::int64_t step = 0; step < kSteps; ++step) {
    row.set_number_key(step);
    row.set_text(std::string(1000, 'x'));
    rows.trace().change(step, nullptr, &row);
    if (step == kSteps - 1) CHECK(state() == "idle");
  }
  rows.begin_snapshot();
  const auto changes = rows.trace().changes(*EveryType::descriptor());
  CHECK(state() == "idle in transaction");
  REQUIRE(changes.size() == kSteps);
  CHECK(changes[1].step == 1);
  CHECK_FALSE(changes[1].column);
  CHECK(changes[1].old_value == "null");
}

}  // namespace sluice
