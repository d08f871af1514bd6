// A program with rules of another version: when a generation is made by itself, and when not.

#include "storage/postgres/new_version.h"

#include <catch2/catch.hpp>
#include <future>

#include "storage/postgres/generations.h"
#include "storage/postgres/swap/promotion.h"
#include "tests/integration/built_shapes.h"
#include "tests/integration/fresh_database.h"

namespace sluice::testing {
namespace {

using Is = VersionStand::Is;

// A database whose live generation is of version 2.
class Shapes {
 public:
  Shapes() : url_(fresh_database()) {
    const PublishedSchema schema = shapes_schema(2);
    apply_schema(url_, {&schema, 1});
  }
  [[nodiscard]] VersionStand stand(int version, bool makes = true) const {
    return stand_of_version(url_, shapes_schema(version), makes);
  }
  // "live 2, building 3 itself", by number.
  [[nodiscard]] std::string generations() const {
    return std::string(PgConnection(url_)
                           .run("SELECT string_agg(status || ' ' || version || CASE WHEN "
                                "promotes_itself THEN ' itself' ELSE '' END, ', ' "
                                "ORDER BY generation) FROM sluice.projection")
                           .text(0, 0));
  }
  // As a process tells that has this version of the rules.
  void hear_of(int version) const {
    PgConnection(url_).run(
        "INSERT INTO sluice.process (instance, host, pid, version, since, seen_at, vitals) VALUES "
        "(gen_random_uuid()::text, 'box', 1, '1.0', now(), now(), "
        "jsonb_build_object('rules', jsonb_build_object('shapes', $1::integer)))",
        {std::to_string(version)});
  }
  [[nodiscard]] std::string value(const std::string& sql) const {
    const PgResult found = PgConnection(url_).run(sql);
    return found.null(0, 0) ? "null" : std::string(found.text(0, 0));
  }
  void set(int generation, const std::string& what) const {
    PgConnection(url_).run("UPDATE sluice.projection SET " + what +
                           " WHERE generation = " + std::to_string(generation));
  }
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  const std::string url_;
};

}  // namespace

TEST_CASE("a database without the domain awaits nothing") {
  const std::string url = fresh_database();
  CHECK(stand_of_version(url, shapes_schema(3), true).is == Is::folded);
  CHECK(PgConnection(url).run("SELECT FROM sluice.projection").rows() == 0);
}

TEST_CASE("a generation is made once for a version that is higher than any before") {
  const Shapes shapes;
  CHECK(shapes.stand(2).is == Is::folded);
  const VersionStand made = shapes.stand(3);
  CHECK((made.is == Is::made && made.generation == 2));
  CHECK(shapes.generations() == "live 2, building 3 itself");
  // Again, as after a death, or by the process beside.
  CHECK(shapes.stand(3).is == Is::folded);
  CHECK(shapes.generations() == "live 2, building 3 itself");
  CHECK(shapes.stand(2).is == Is::folded);

  for (const std::string gone : {"retired", "failed"}) {
    shapes.set(2, "status = '" + gone + "'");
    const VersionStand again = shapes.stand(3);
    CHECK(again.is == Is::awaited);
    CHECK_THAT(again.why, Catch::Contains("generation 2 (" + gone + ", of version 3)") &&
                              Catch::Contains("not made a second time by itself") &&
                              Catch::Contains("`sluice rebuild shapes`"));
  }
  CHECK(shapes.generations() == "live 2, failed 3 itself");
  CHECK(shapes.stand(4).generation == 3);
}

TEST_CASE("nothing is made by an older program, nor where a person is to be asked") {
  const Shapes shapes;
  const VersionStand older = shapes.stand(1);
  CHECK(older.is == Is::awaited);
  CHECK_THAT(older.why, Catch::Contains("this program has version 1") &&
                            Catch::Contains("generation 1 (live, of version 2)") &&
                            Catch::Contains("a newer one"));
  const VersionStand asks = shapes.stand(3, false);
  CHECK(asks.is == Is::awaited);
  CHECK_THAT(asks.why, Catch::Contains("readers see generation 1 (live, of version 2)") &&
                           Catch::Contains("`sluice rebuild shapes` of this program"));
  CHECK(shapes.generations() == "live 2");
}

TEST_CASE("a version waits for the generation of another one that is in the making") {
  const Shapes shapes;
  CHECK(shapes.stand(3).is == Is::made);
  const VersionStand next = shapes.stand(4);
  CHECK(next.is == Is::awaited);
  CHECK_THAT(next.why, Catch::Contains("generation 2 (building, of version 3) comes first") &&
                           Catch::Contains("`sluice retire shapes --generation 2`"));
  CHECK_FALSE(retire(shapes.url(), "shapes", 2));
  CHECK(shapes.stand(4).generation == 3);
  CHECK(shapes.generations() == "live 2, retired 3 itself, building 4 itself");
}

TEST_CASE("what a version made of itself is given up for a higher one once nobody runs it") {
  const Shapes shapes;
  REQUIRE(shapes.stand(3).is == Is::made);
  CHECK(shapes.stand(4).is == Is::awaited);  // who made it may not have said a word yet
  shapes.set(2, "made_at = now() - interval '11 s'");
  const std::string before = shapes.generations();

  SECTION("and its version, which comes back, does not take it back") {
    const VersionStand made = shapes.stand(4);
    CHECK((made.is == Is::made && made.generation == 3));
    CHECK(shapes.generations() == "live 2, retired 3 itself, building 4 itself");
    CHECK_THAT(
        shapes.value("SELECT reason FROM sluice.projection WHERE generation = 2"),
        Catch::Contains("given up for version 4") && Catch::Contains("nobody runs version 3"));
    CHECK(shapes.value("SELECT to_regnamespace('shapes_g2')") == "null");
    shapes.set(3, "made_at = now() - interval '11 s'");
    CHECK_THAT(shapes.stand(3).why,
               Catch::Contains("generation 3 (building, of version 4) was made"));
    CHECK(shapes.generations() == "live 2, retired 3 itself, building 4 itself");
  }
  SECTION("also when it is ready, and by who may not make one for itself not") {
    shapes.set(2, "status = 'ready', phase = 'following'");
    CHECK(shapes.stand(4, false).is == Is::awaited);
    CHECK(shapes.generations() == "live 2, ready 3 itself");
    CHECK(shapes.stand(4).is == Is::made);
  }
  SECTION("not while a process has its rules") {
    shapes.hear_of(2);
    shapes.hear_of(3);
    CHECK_THAT(shapes.stand(4).why, Catch::Contains("comes first: promote it"));
    CHECK(shapes.generations() == before);
  }
  SECTION("not while a process folds it") {
    PgConnection(shapes.url())
        .run(
            "INSERT INTO sluice.heartbeat (projection, generation, partition, owner, seen_at) "
            "VALUES ('shapes', 2, 0, 'box:1:x/0/y', now())");
    CHECK(shapes.stand(4).is == Is::awaited);
    CHECK(shapes.generations() == before);
  }
  SECTION("not where a person asked for it, and what stands against it is told") {
    shapes.set(2, "promotes_itself = false");
    CHECK_THAT(
        shapes.stand(4).why,
        Catch::Contains("generation 2 (building, of version 3) comes first: it was asked for, "
                        "and nobody runs version 3") &&
            Catch::Contains("`sluice retire shapes --generation 2`"));
    CHECK(shapes.generations() == "live 2, building 3");
  }
  SECTION("and if that cannot be, why is told") {
    PgConnection(shapes.url()).run("CREATE VIEW public.mine AS SELECT * FROM shapes_g2.only_key");
    CHECK_THAT(shapes.stand(4).why,
               Catch::Contains("could not be given up") && Catch::Contains("view public.mine"));
    CHECK(shapes.generations() == before);
  }
}

TEST_CASE("a generation by hand is refused where it would not be of this program's rules") {
  const Shapes shapes;
  const auto refused = [&](int version) {
    const auto refusal = refuse_another_version(shapes.url(), shapes_schema(version));
    return refusal ? refusal->word + ": " + refusal->reason : "";
  };
  CHECK(refused(3).empty());  // who folds it may be started later
  shapes.hear_of(2);
  CHECK_THAT(refused(3), Catch::StartsWith("another_version: this program has version 3") &&
                             Catch::Contains("who projects it has version 2"));
  CHECK(refused(2).empty());
  shapes.hear_of(3);
  CHECK(refused(3).empty());
  REQUIRE(shapes.stand(3).is == Is::made);
  CHECK(refused(3).empty());
  CHECK_THAT(refused(2),
             Catch::StartsWith("another_version: generation 2 (building, of version 3)") &&
                 Catch::Contains("`sluice retire shapes --generation 2`"));
}

TEST_CASE("processes that start at one moment make one generation") {
  const Shapes shapes;
  std::vector<std::future<VersionStand>> all;
  for (int i = 0; i < 4; ++i) {
    all.push_back(std::async(std::launch::async, [&] { return shapes.stand(3); }));
  }
  int made = 0;
  for (auto& each : all) {
    const VersionStand stand = each.get();
    CHECK(stand.is != Is::awaited);
    if (stand.is == Is::made) ++made;
  }
  CHECK(made == 1);
  CHECK(shapes.generations() == "live 2, building 3 itself");
}

TEST_CASE("what a person makes does not promote itself") {
  const Shapes shapes;
  CHECK(make_generation(shapes.url(), shapes_schema(3), {}).made);
  CHECK(shapes.stand(3).is == Is::folded);
  CHECK(shapes.generations() == "live 2, building 3");
}

}  // namespace sluice::testing
