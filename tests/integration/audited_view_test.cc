// What an audit reads of Postgres and writes there: whatever a column holds is equal to itself, and
// nothing else is.

#include <catch2/catch.hpp>
#include <cmath>
#include <future>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/audit/audit_book.h"
#include "storage/postgres/audit/audited_view.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/schema.h"
#include "tests/integration/fresh_database.h"
#include "tests/support/eventually.h"

namespace sluice {
namespace {

using google::protobuf::Message;
using shapes::EveryType;
using testing::eventually;
using testing::fresh_database;

constexpr Partition kFirst{0};

class Database {
 public:
  Database() {
    const PublishedSchema schema{
        .domain = "shapes", .tables = EveryType::descriptor()->file(), .partitions = 3};
    apply_schema(url_, {&schema, 1});
    (void)sink_.claim(kFirst, "us");
  }

  void flush(const std::vector<EveryType>& rows) {
    RowChanges changes{.row = EveryType::descriptor(), .upserts = {}, .erased = {}};
    for (const EveryType& row : rows) changes.upserts.push_back(&row);
    FlushBatch batch{};
    batch.partition = kFirst;
    batch.owner = "us";
    batch.to = Offset{7};
    batch.digest_at_to = Digest{11};
    batch.record_time = Time{std::chrono::milliseconds{1'767'323'045'678}};
    batch.log_end = Offset{7};
    batch.rows = {&changes, 1};
    REQUIRE(sink_.flush(batch) == FlushOutcome::committed);
  }

  RowFaults faults(const std::vector<EveryType>& expected, const std::vector<std::string>& keys) {
    RowFaults faults;
    const auto position = view_.begin(kFirst);
    REQUIRE(position);
    CHECK(position->position == Offset{7});
    CHECK(position->digest == Digest{11});
    const auto rows = view_.rows_of(*EveryType::descriptor(), keys);
    view_.end();
    std::vector<const Message*> right;
    for (const EveryType& row : expected) right.push_back(&row);
    rows->compare(right, faults);
    return faults;
  }

  void run(const std::string& sql) { connection_.run(sql); }
  [[nodiscard]] std::string value(const std::string& sql) {
    const PgResult found = connection_.run(sql);
    REQUIRE(found.rows() == 1);
    return found.null(0, 0) ? "null" : std::string(found.text(0, 0));
  }
  [[nodiscard]] AuditedView& view() { return view_; }
  [[nodiscard]] AuditBook& book() { return book_; }

 private:
  const std::string url_ = fresh_database();
  PgConnection connection_{url_};
  PostgresSink sink_{{url_, "shapes", 1, published_rows(*EveryType::descriptor()->file())}};
  AuditSession session_{url_, {}};
  PostgresAuditedView view_{session_, "shapes", 1};
  PostgresAuditBook book_{session_, "shapes", 1};
};

const std::vector<std::string> kTexts{
    "",         "plain", "tab\there", "line\nand\r", "back\\slash \\N", "\\",
    "quote\"'", "ö☃𝄞",   "{\"a\":1}", "\\x41",       " blank ",         "NULL"};
const std::vector<double> kReals{0,
                                 -0.0,
                                 1.5,
                                 -1e300,
                                 1e20,
                                 1e-7,
                                 123456789012345678.0,
                                 0.1,
                                 std::numeric_limits<double>::denorm_min(),
                                 std::numeric_limits<double>::infinity(),
                                 std::nan("")};
const std::vector<std::string> kDocuments{
    "",   "{}", "{\"b\": [1, 2.50, 1e20],\n \"a\": {\"x\": null}}", "[]", "\"text \\u00e9 \\n\"",
    "1E2"};

class Random {
 public:
  template <class T>
  const T& of(const std::vector<T>& values) {
    return values[random_() % values.size()];
  }
  std::int64_t number() { return static_cast<std::int64_t>(random_()) >> (random_() % 64); }
  bool flag() { return random_() % 2 == 0; }

 private:
  std::mt19937_64 random_{7};
};

EveryType row_of(Random& random, const std::string& key, std::int64_t number) {
  EveryType row;
  row.set_text_key(key);
  row.set_number_key(number);
  row.set_text(random.of(kTexts));
  if (random.flag()) row.set_maybe(random.of(kTexts));
  row.set_count(random.number());
  row.set_small(static_cast<std::int32_t>(random.number()));
  row.set_positive(static_cast<std::uint32_t>(random.number()));
  row.set_flag(random.flag());
  row.set_ratio(random.of(kReals));
  row.set_rough(static_cast<float>(random.of(kReals)));
  row.set_raw(std::string("\0\xff\\x", 4) + random.of(kTexts));
  row.set_choice(random.flag() ? shapes::CHOICE_AGREE : shapes::CHOICE_NONE);
  if (random.flag()) row.set_at(random.number() % 4'000'000'000'000);
  row.set_document(random.of(kDocuments));
  if (random.flag()) (*row.mutable_votes())[random.of(kTexts)] = shapes::CHOICE_PASS;
  for (int i = 0; random.flag() && i < 3; ++i) row.add_weights(random.of(kReals));
  if (random.flag()) (*row.mutable_part()->mutable_by_number())[7] = random.of(kTexts);
  row.set_remembered("is no column");
  return row;
}

struct Filled {
  Database database;
  std::vector<EveryType> rows;
  std::vector<std::string> keys;

  explicit Filled(int keys_count = 40) {
    Random random;
    for (int i = 0; i < keys_count; ++i) {
      keys.push_back("k" + std::to_string(i) + random.of(kTexts));
      for (int n = 0; n < 3; ++n) rows.push_back(row_of(random, keys.back(), n - 1));
    }
    std::sort(rows.begin(), rows.end(), [](const EveryType& a, const EveryType& b) {
      return std::pair(a.text_key(), a.number_key()) < std::pair(b.text_key(), b.number_key());
    });
    database.flush(rows);
  }
};

}  // namespace

TEST_CASE("rows that Postgres was given are equal to themselves, whatever stands in them") {
  Filled filled;
  const RowFaults faults = filled.database.faults(filled.rows, filled.keys);
  for (const RowFault& fault : faults.kept()) {
    UNSCOPED_INFO(fault.key << " " << fault.column << " " << fault.expected << " " << fault.found);
  }
  CHECK(faults.count() == 0);
}

TEST_CASE("each column that somebody changed is found, and told as it is") {
  const auto [column, sql, found] =
      GENERATE(Catch::Generators::table<std::string, std::string, std::string>({
          {"text", "text = text || 'x'", ""},
          {"maybe", "maybe = CASE WHEN maybe IS NULL THEN 'now' END", ""},
          {"count", "count = CASE WHEN count = 4 THEN 5 ELSE 4 END", ""},
          {"flag", "flag = NOT flag", ""},
          {"ratio", "ratio = 1.25e-9", "1.25e-09"},
          {"rough", "rough = 'NaN'::float8, raw = raw", ""},
          {"raw", "raw = '\\x00'", "\"\\\\x00\""},
          {"choice", "choice = 'pass'", "\"pass\""},
          {"at", "at = '2026-01-31 12:00:00.5+00'", "\"2026-01-31T12:00:00.5+00:00\""},
          {"document", "document = '{\"z\": 1}'", "{\"z\": 1}"},
          {"votes", "votes = '{\"z\": \"agree\"}'", "{\"z\": \"agree\"}"},
          {"weights", "weights = '[77]'", "[77]"},
          {"part", "part = '{\"name\": \"other\"}'", "{\"name\": \"other\"}"},
      }));
  CAPTURE(column);
  Filled filled(3);
  const EveryType& row = filled.rows[4];
  const std::string of_row = " WHERE number_key = " + std::to_string(row.number_key()) +
                             " AND text_key = (SELECT text_key FROM shapes_g1.every_type "
                             "ORDER BY text_key, number_key OFFSET 4 LIMIT 1)";
  filled.database.run("UPDATE shapes_g1.every_type SET " + sql + of_row);
  const RowFaults faults = filled.database.faults(filled.rows, filled.keys);
  // What was so by chance is so.
  if (faults.count() == 0) {
    CHECK(column == "rough");
    return;
  }
  REQUIRE(faults.count() == 1);
  const RowFault& fault = faults.kept().front();
  CHECK(fault.what == RowFault::What::changed);
  CHECK(fault.column == column);
  CHECK(fault.owner == row.text_key());
  CHECK(fault.table == "every_type");
  if (!found.empty()) CHECK(fault.found == found);
  // It can be kept, and is told once.
  filled.database.book().add(kFirst, faults.kept());
  filled.database.book().add(kFirst, faults.kept());
  CHECK(filled.database.value("SELECT count(*) FROM sluice.audit_difference") == "1");
  CHECK(filled.database.value("SELECT key->>'text_key' FROM sluice.audit_difference") ==
        row.text_key());
}

TEST_CASE(
    "rows that are gone and rows that are too many are found by the keys that they belong to") {
  Filled filled(5);
  filled.database.run("DELETE FROM shapes_g1.every_type WHERE number_key = 1");
  filled.database.run(
      "INSERT INTO shapes_g1.every_type (text_key, number_key, text) VALUES ('stranger', 5, 't')");
  RowFaults faults = filled.database.faults(filled.rows, filled.keys);
  CHECK(faults.count() == 5);
  for (const RowFault& fault : faults.kept()) {
    CHECK(fault.what == RowFault::What::missing);
    CHECK(fault.found == "null");
  }
  faults = filled.database.faults({}, {"stranger"});
  REQUIRE(faults.count() == 1);
  CHECK(faults.kept().front().what == RowFault::What::extra);
  CHECK(faults.kept().front().owner == "stranger");
  CHECK(faults.kept().front().expected == "null");
  CHECK(faults.kept().front().key == R"({"text_key":"stranger","number_key":5})");
}

TEST_CASE("a walk over a table meets each key, in pieces of any size") {
  Filled filled(20);
  for (const std::size_t limit : {1U, 2U, 7U, 100U}) {
    std::set<std::string> met;
    std::string from;
    int steps = 0;
    do {
      REQUIRE(++steps < 1000);
      REQUIRE(filled.database.view().begin(kFirst));
      RowOwners found = filled.database.view().owners(*EveryType::descriptor(), from, limit);
      filled.database.view().end();
      met.insert(found.owners.begin(), found.owners.end());
      from = found.next;
    } while (!from.empty());
    CHECK(met == std::set<std::string>(filled.keys.begin(), filled.keys.end()));
  }
}

TEST_CASE("what an audit has come to is written down, and gone on with") {
  Database database;
  AuditBook& book = database.book();
  CHECK(book.standing(kFirst).walks == 0);
  AuditStanding standing;
  standing.walks = 1;
  standing.walked = "0 0 0 0 -1 0 0";
  book.note(kFirst, standing, AuditBook::Note::begins);
  CHECK(database.value("SELECT round || ' ' || (finished_at IS NULL)::text FROM sluice.audit") ==
        "1 true");
  CHECK(book.standing(kFirst).walked == standing.walked);
  CHECK(book.standing(kFirst).round == 0);
  standing.round = 1;
  standing.walks = 0;
  standing.proved_to = Offset{5};
  standing.rows = 9;
  standing.differences = 2;
  book.note(kFirst, standing, AuditBook::Note::finishes);
  standing.walks = 2;
  standing.differences = 3;
  book.note(kFirst, standing, AuditBook::Note::begins);
  CHECK(database.value("SELECT concat_ws(' ', round, proved_to, rows, differences, "
                       "finished_at >= started_at) FROM sluice.audit") == "1 5 9 3 t");
  CHECK(book.standing(kFirst).round == 1);
  CHECK(book.standing(kFirst).walks == 2);
}

TEST_CASE("differences are kept up to a bound, and go when they are not found again") {
  Database database;
  AuditBook& book = database.book();
  std::vector<RowFault> faults;
  for (int i = 0; i < 1100; ++i) {
    RowFault fault;
    fault.owner = "k";
    fault.table = "every_type";
    fault.key = "{\"number_key\": " + std::to_string(i) + "}";
    fault.column = "text";
    fault.expected = "\"zero \\u0000\"";
    fault.found = "null";
    faults.push_back(fault);
  }
  book.add(kFirst, faults);
  CHECK(database.value("SELECT count(*) FROM sluice.audit_difference") == "1000");
  const std::string since = database.value("SELECT min(since) FROM sluice.audit_difference");
  faults.resize(2);
  book.retain(kFirst, "k", faults);
  book.add(kFirst, faults);
  CHECK(database.value("SELECT count(*) FROM sluice.audit_difference") == "2");
  CHECK(database.value("SELECT min(since) FROM sluice.audit_difference") == since);
  const auto differing = book.differing(kFirst);
  REQUIRE(differing.size() == 1);
  CHECK(differing.front() == std::pair<std::string, std::int64_t>("k", 2));
  book.retain(kFirst, "other", {});
  book.retain(kFirst, "k", {});
  CHECK(database.value("SELECT count(*) FROM sluice.audit_difference") == "0");
}

TEST_CASE(
    "nothing is told of a generation that readers see no more, also while they are given another") {
  Database database;
  AuditStanding standing;
  standing.walks = 1;
  RowFault fault;
  fault.owner = "k";
  fault.table = "every_type";
  fault.key = fault.expected = fault.found = "{}";
  const auto told = [&] {
    return database.value("SELECT count(*) FROM sluice.audit") + " " +
           database.value("SELECT count(*) FROM sluice.audit_difference");
  };
  database.book().note(kFirst, standing, AuditBook::Note::begins);
  database.book().add(kFirst, {&fault, 1});
  CHECK(told() == "1 1");
  // As a swap has it.
  database.run("BEGIN; SELECT FROM sluice.projection FOR UPDATE");
  database.run("UPDATE sluice.projection SET live = false, status = 'standing'");
  database.run("DELETE FROM sluice.audit; DELETE FROM sluice.audit_difference");
  auto noted = std::async(std::launch::async, [&] {
    database.book().note(kFirst, standing, AuditBook::Note::goes_on);
  });
  REQUIRE(eventually([&] {
    return database.value(
               "SELECT count(*) FROM pg_locks WHERE NOT granted "
               "AND transactionid = pg_current_xact_id()::xid") == "1";
  }));
  database.run("COMMIT");
  noted.get();
  database.book().add(kFirst, {&fault, 1});
  CHECK(told() == "0 0");
}

TEST_CASE("a process that stops waits for no answer of Postgres") {
  const std::string url = fresh_database();
  std::stop_source stop;
  AuditSession session(url, stop.get_token());
  session.ready()->run("SELECT 1");
  stop.request_stop();
  CHECK_THROWS_AS(session.ready()->run("SELECT pg_sleep(30)"), Retryable);
}

}  // namespace sluice
