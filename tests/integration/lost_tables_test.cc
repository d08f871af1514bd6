// A view that has folded something never gets back empty what it lost: it is refused, or set back.

#include <google/protobuf/descriptor.pb.h>

#include <catch2/catch.hpp>

#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/schema.h"
#include "tests/integration/changed_shapes.h"
#include "tests/integration/fresh_database.h"

using namespace sluice;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using sluice::testing::add_later;
using sluice::testing::ChangedShapes;
using sluice::testing::fresh_database;

namespace {

const FileDescriptor* released() { return shapes::OnlyKey::descriptor()->file(); }

void add_column(FileDescriptorProto& file) { add_later(file); }

// A database whose view of "shapes" has folded 2,750 records into a row.
class View {
 public:
  View() {
    apply();
    connection_.run(
        "INSERT INTO shapes_g1.every_type (text_key, number_key, text) VALUES ('a', 1, 'kept');"
        "INSERT INTO sluice.position (projection, generation, partition, position, digest, "
        "published) VALUES ('shapes', 1, 0, 2750, 77, 3), ('shapes', 1, 1, 0, 0, 0)");
  }
  void apply(const FileDescriptor* tables = released(), Apply how = Apply::everything,
             const std::vector<std::string>& refold = {}, int version = 1) {
    const PublishedSchema schema{.domain = "shapes", .tables = tables, .version = version};
    apply_schema(url_, {&schema, 1}, how, refold);
  }
  void refold() { apply(released(), Apply::what_changed, {"shapes"}); }
  void run(const std::string& sql) { connection_.run(sql); }
  std::string value(const std::string& sql) {
    const PgResult result = connection_.run(sql);
    REQUIRE(result.rows() == 1);
    return result.null(0, 0) ? "null" : std::string(result.text(0, 0));
  }
  // Both ways of applying say so, and neither changes anything.
  void refuses(const std::string& what, const FileDescriptor* tables = released()) {
    for (const Apply how : {Apply::what_changed, Apply::everything}) {
      try {
        apply(tables, how);
        FAIL("it was made");
      } catch (const Corrupt& refusal) {
        CHECK_THAT(refusal.what(), Catch::Contains(what) && Catch::Contains("2750") &&
                                       Catch::Contains("`sluice schema apply --refold shapes`") &&
                                       !Catch::Contains("\n"));
      }
      CHECK(value("SELECT max(position) FROM sluice.position") == "2750");
    }
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  const std::string url_ = fresh_database();
  PgConnection connection_{url_};
};

PostgresSink sink_on(const std::string& url) {
  return PostgresSink({url, "shapes", 1, published_rows(*released())});
}

}  // namespace

TEST_CASE("tables and columns that went from under a position are not made anew, empty") {
  View view;
  SECTION("a generation's schema") {
    view.run("DROP SCHEMA shapes_g1 CASCADE");
    view.refuses("shapes_g1.every_type, shapes_g1.only_key, shapes_g1.share and 1 more are");
    CHECK(view.value("SELECT to_regnamespace('shapes_g1')") == "null");
  }
  SECTION("a table") {
    view.run("DROP TABLE shapes_g1.only_key CASCADE");
    view.refuses("shapes_g1.only_key is missing");
  }
  SECTION("a column") {
    view.run("ALTER TABLE shapes_g1.every_type DROP COLUMN text CASCADE");
    view.refuses("shapes_g1.every_type.text is missing");
  }
  SECTION("a column that a later program made") {
    const ChangedShapes later(add_column);
    view.apply(later.tables());
    view.run("ALTER TABLE shapes_g1.every_type DROP COLUMN later CASCADE");
    view.refuses("shapes_g1.every_type.later is missing", later.tables());
  }
  SECTION("before anybody noted what was applied") {
    view.run(
        "ALTER TABLE shapes_g1.every_type DROP COLUMN text CASCADE;"
        "UPDATE sluice.projection SET applied = NULL");
    view.refuses("shapes_g1.every_type.text is missing");
  }
  SECTION("a table that is new in this program, and would miss what was folded before") {
    const ChangedShapes later([](FileDescriptorProto& file) {
      *file.add_message_type() = file.message_type(file.message_type_size() - 1);
      file.mutable_message_type(file.message_type_size() - 1)->set_name("Newer");
    });
    view.refuses("shapes_g1.newer is missing", later.tables());
  }
}

TEST_CASE("rows to which no position belongs are not folded into") {
  View view;
  view.run("DELETE FROM sluice.position");
  CHECK_THROWS_WITH(view.apply(released(), Apply::what_changed),
                    Catch::Contains("shapes_g1 have rows") &&
                        Catch::Contains("`sluice schema apply --refold shapes`"));
  view.refold();
  CHECK(view.value("SELECT count(*) FROM shapes.every_type") == "0");
}

TEST_CASE("a partition whose row was deleted is not folded from the beginning over its rows") {
  View view;
  PostgresSink sink = sink_on(view.url());
  CHECK(sink.claim(Partition{0}, "me").position == Offset{2750});
  CHECK(sink.claim(Partition{1}, "me").position == Offset{0});
  view.run("UPDATE sluice.position SET position = 5 WHERE partition = 1");
  view.run("DELETE FROM sluice.position WHERE partition = 0");
  const std::string says =
      "the row of sluice.position of shapes partition 0, generation 1, is gone, so that nobody "
      "knows up to where the log was folded into the tables: restore it, or let `sluice schema "
      "apply --refold shapes` empty the view and fold the log anew";
  // The worker tries again, and tells this as the partition's trouble.
  CHECK_THROWS_AS(sink.claim(Partition{0}, "again"), Misconfigured);
  CHECK_THROWS_WITH(sink_on(view.url()).claim(Partition{0}, "again"), says);
  CHECK_THROWS_WITH(view.apply(released(), Apply::what_changed), says);
  CHECK(view.value("SELECT count(*) FROM sluice.position WHERE partition = 0") == "0");
  CHECK(view.value("SELECT text FROM shapes.every_type") == "kept");
  // Others go on.
  CHECK(sink.claim(Partition{1}, "again").position == Offset{5});
  SECTION("it is restored") {
    view.run(
        "INSERT INTO sluice.position (projection, generation, partition, position, digest, "
        "published) VALUES ('shapes', 1, 0, 2750, 77, 3)");
    CHECK(sink.claim(Partition{0}, "again").position == Offset{2750});
  }
  SECTION("the view is set back, and what was emitted long ago is not emitted again") {
    view.refold();
    CHECK(view.value("SELECT count(*) FROM shapes.every_type") == "0");
    const ViewPosition taken = sink.claim(Partition{0}, "again");
    CHECK(taken.position == Offset{0});
    CHECK(taken.emits_from == Offset{2750});
  }
  SECTION("of a generation that readers do not see, that one is given up") {
    view.run("UPDATE sluice.projection SET live = false, status = 'standing'");
    CHECK_THROWS_WITH(sink.claim(Partition{0}, "again"),
                      Catch::Contains("`sluice retire shapes --generation 1` take"));
  }
}

TEST_CASE("a row that was deleted while the log had nothing is made again") {
  View view;
  PostgresSink sink = sink_on(view.url());
  static_cast<void>(sink.claim(Partition{1}, "me"));
  view.run("DELETE FROM sluice.position WHERE partition = 1");
  CHECK(sink.claim(Partition{1}, "again").position == Offset{0});
}

TEST_CASE("what costs no row is made again, and the position stays") {
  View view;
  SECTION("an index") {
    view.run("DROP INDEX shapes_g1.every_type_order1");
    view.apply();
    CHECK(view.value("SELECT to_regclass('shapes_g1.every_type_order1') IS NULL") == "f");
  }
  SECTION("an index that has changed") {
    const ChangedShapes later([](FileDescriptorProto& file) {
      auto options = file.message_type(0).options().SerializeAsString();
      const auto at = options.find("count desc, at");
      REQUIRE(at != std::string::npos);
      options.replace(at, 14, "at, count desc");
      REQUIRE(file.mutable_message_type(0)->mutable_options()->ParseFromString(options));
    });
    view.apply(later.tables(), Apply::what_changed);
    CHECK_THAT(view.value("SELECT indexdef FROM pg_indexes WHERE indexname = 'every_type_order1'"),
               Catch::Contains("(at, count DESC)"));
  }
  SECTION("a key") {
    view.run("ALTER TABLE shapes_g1.every_type DROP CONSTRAINT every_type_pkey");
    view.apply();
    CHECK_THAT(view.value("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = "
                          "'shapes_g1.every_type'::regclass"),
               Catch::Contains("(text_key, number_key)"));
  }
  SECTION("the readers' views") {
    view.run("DROP SCHEMA shapes CASCADE");
    view.apply();
  }
  SECTION("a column that is new in this program") {
    const ChangedShapes later(add_column);
    if (GENERATE(false, true)) view.run("UPDATE sluice.projection SET applied = NULL");
    view.apply(later.tables(), Apply::what_changed);
    CHECK(view.value("SELECT later FROM shapes.every_type").empty());
  }
  CHECK(view.value("SELECT text FROM shapes.every_type") == "kept");
  CHECK(view.value("SELECT max(position) FROM sluice.position") == "2750");
}

TEST_CASE("views that readers read are missed, and made again by any way of applying") {
  View view;
  PostgresSink sink = sink_on(view.url());
  CHECK(sink.claim(Partition{0}, "me").position == Offset{2750});
  const LogProgress progress{Partition{0}, Offset{2750}, "me", {}};
  const Apply how = GENERATE(Apply::what_changed, Apply::everything);
  const char* drop = GENERATE("DROP SCHEMA shapes CASCADE", "DROP VIEW shapes.only_key");
  view.run(drop);
  CHECK_THROWS_WITH(sink_on(view.url()).show_progress({&progress, 1}),
                    Catch::Contains("that readers read is not there: `sluice schema apply`"));
  view.apply(released(), how);
  CHECK(sink_on(view.url()).show_progress({&progress, 1}).front()->position == Offset{2750});
}

TEST_CASE("a heartbeat that was deleted comes back with its owner's next word") {
  View view;
  PostgresSink sink = sink_on(view.url());
  CHECK(sink.claim(Partition{0}, "me").position == Offset{2750});
  view.run("DELETE FROM sluice.heartbeat");
  const LogProgress stranger{Partition{0}, Offset{2750}, "another", {}};
  CHECK_FALSE(sink.show_progress({&stranger, 1}).front());
  CHECK(view.value("SELECT count(*) FROM sluice.heartbeat") == "0");
  const LogProgress progress{Partition{0}, Offset{2751}, "me", "it is hot"};
  CHECK(sink.show_progress({&progress, 1}).front());
  CHECK(view.value("SELECT owner || log_end || trouble || contender FROM sluice.heartbeat") ==
        "me2751it is hot");
  CHECK(view.value("SELECT lag FROM sluice.freshness WHERE partition = 0") == "1");
}

TEST_CASE("tables that nothing was folded into are made again") {
  View view;
  view.run("UPDATE sluice.position SET position = 0; DROP SCHEMA shapes_g1 CASCADE");
  view.apply(released(), GENERATE(Apply::everything, Apply::what_changed));
  CHECK(view.value("SELECT count(*) FROM shapes.every_type") == "0");
}

TEST_CASE("a key of other columns is refused with a way on") {
  View view;
  view.run(
      "ALTER TABLE shapes_g1.every_type DROP CONSTRAINT every_type_pkey, "
      "ADD PRIMARY KEY (text_key)");
  CHECK_THROWS_WITH(view.apply(), Catch::Contains("every_type.number_key is \"bigint\"") &&
                                      Catch::Contains("--refold shapes"));
  view.run("DROP SCHEMA shapes_g1 CASCADE");
  view.refold();
  CHECK(view.value("SELECT max(position) FROM sluice.position") == "0");
}

TEST_CASE("a view that is set back is empty at the log's beginning, and emits nothing twice") {
  View view;
  view.run(
      "DROP TABLE shapes_g1.only_key CASCADE;"
      "INSERT INTO sluice.rejection VALUES ('shapes', 1, 0, 7, 'e', 't', 'k', 'r', now());"
      "INSERT INTO sluice.quarantine VALUES ('shapes', 1, 0, 8, 'k', 'r', 'x', now(), true);"
      "UPDATE sluice.projection SET log = 'old cluster';"
      "UPDATE sluice.position SET log_identity = 'aaaaaaaaaaaaa' WHERE partition = 0");
  view.refold();
  CHECK(view.value("SELECT count(*) FROM shapes.every_type") == "0");
  CHECK(view.value("SELECT count(*) FROM shapes.only_key") == "0");
  CHECK(view.value("SELECT count(*) FROM sluice.rejection") == "0");
  CHECK(view.value("SELECT count(*) FROM sluice.quarantine") == "0");
  CHECK(view.value("SELECT concat_ws(' ', position, digest, published, emits_from) FROM "
                   "sluice.position WHERE partition = 0") == "0 0 0 2750");
  // Whichever log it is folded from next is its own.
  CHECK(view.value("SELECT log FROM sluice.projection") == "null");
  CHECK(view.value("SELECT count(log_identity) FROM sluice.position") == "0");
  // From here on it is as whole as any.
  view.apply(released(), Apply::what_changed);
}

TEST_CASE("who reads a snapshot keeps the rows of its position while a view is set back") {
  View view;
  PgConnection reader(view.url());
  reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT position FROM sluice.position");
  view.refold();
  CHECK(reader.run("SELECT max(position) FROM sluice.position").text(0, 0) == "2750");
  CHECK(reader.run("SELECT text FROM shapes_g1.every_type").text(0, 0) == "kept");
}

TEST_CASE("who holds a lock that applying waits for is named") {
  View view;
  PgConnection reader(view.url());
  reader.run("BEGIN; SELECT position FROM sluice.position");
  const std::string pid(reader.run("SELECT pg_backend_pid()").text(0, 0));
  CHECK_THROWS_WITH(view.apply(),
                    Catch::Contains("process " + pid + " (sluice)") && Catch::Contains("end it"));
}

TEST_CASE("rules of another version are refused; set back, the view is theirs") {
  View view;
  const std::string before = view.value("SELECT unique_id FROM sluice.projection");
  PostgresSink old = sink_on(view.url());
  CHECK(old.generation().unique_id == before);
  CHECK_THROWS_WITH(view.apply(released(), Apply::what_changed, {}, 2),
                    Catch::Contains("version 1 of its rules, this program has 2") &&
                        Catch::Contains("--refold shapes"));
  view.apply(released(), Apply::what_changed, {"shapes"}, 2);
  CHECK(view.value("SELECT version FROM sluice.projection") == "2");
  CHECK(view.value("SELECT unique_id FROM sluice.projection") != before);
  // A process with the rules of before cannot claim a partition any more.
  CHECK_THROWS_WITH(old.claim(Partition{0}, "old"), Catch::Contains("made anew"));
}

TEST_CASE("a projector whose table went waits, and says what to do") {
  View view;
  PostgresSink sink = sink_on(view.url());
  CHECK(sink.claim(Partition{0}, "me").position == Offset{2750});
  shapes::OnlyKey row;
  row.set_id("x");
  const RowChanges rows{shapes::OnlyKey::descriptor(), {&row}, {}};
  FlushBatch batch{};
  batch.owner = "me";
  batch.from = Offset{2750};
  batch.digest_at_from = Digest{77};
  batch.published_at_from = 3;
  batch.to = Offset{2751};
  batch.rows = {&rows, 1};
  view.run("DROP TABLE shapes_g1.only_key CASCADE");
  const std::string says =
      "the published table \"shapes_g1\".\"only_key\" is not there: restore it, or let `sluice "
      "schema apply --refold shapes` make it, empty the view and fold the log anew";
  // The worker tries again, and tells this as the partition's trouble.
  CHECK_THROWS_AS(sink.flush(batch), Misconfigured);
  CHECK_THROWS_WITH(sink.flush(batch), says);
  CHECK_THROWS_WITH(sink.claim(Partition{0}, "again"), says);
  PostgresSink later = sink_on(view.url());
  CHECK_THROWS_WITH(later.claim(Partition{0}, "later"), says);
  CHECK(later.generation().version == 1);
  const LogProgress progress{Partition{0}, Offset{2751}, "me", {}};
  CHECK_THROWS_WITH(later.show_progress({&progress, 1}), says);
  view.refold();
  CHECK_THROWS_AS(sink.flush(batch), Fenced);
  CHECK(sink.claim(Partition{0}, "anew").position == Offset{0});
}
