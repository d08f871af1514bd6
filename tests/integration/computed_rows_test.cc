// A large conversation's opinion groups as Postgres gets them.

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>

#include "deliberation/tables.pb.h"
#include "schemas/descriptors/row_options.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/schema.h"
#include "tests/integration/fresh_database.h"

namespace sluice::testing {
namespace {

using deliberation::MathGroup;
using deliberation::MathOpinion;
using deliberation::MathParticipant;
using deliberation::MathSnapshot;

constexpr int kOpinions = 19'000;
constexpr int kParticipants = 100'000;

class Published {
 public:
  Published() {
    const PublishedSchema schema{.domain = "deliberation", .tables = kTables};
    apply_schema(url, {&schema, 1});
    sink_ = std::make_unique<PostgresSink>(
        PostgresSinkConfig{url, "deliberation", 1, published_rows(*kTables)});
    sink_->claim(Partition{0}, "me");
  }

  void publish(const ComputedRows& rows) {
    const ComputedRows* all[] = {&rows};
    FlushBatch batch{};
    batch.owner = "me";
    batch.computed = all;
    batch.published_at_from = published_++;
    REQUIRE(sink_->flush(batch) == FlushOutcome::committed);
  }
  std::string ask(const std::string& sql) {
    return std::string(PgConnection(url).run(sql).text(0, 0));
  }

  const std::string url = fresh_database();

 private:
  const google::protobuf::FileDescriptor* kTables = MathSnapshot::descriptor()->file();
  std::unique_ptr<PostgresSink> sink_;
  std::int64_t published_ = 0;
};

std::string numbered(int n) {
  std::string digits = std::to_string(n);
  return std::string(6 - digits.size(), '0') + digits;
}

// Of participants from `first` on, the one at `moved` in another group than the rest.
ComputedRows groups(std::int64_t as_of, int first, int moved) {
  ComputedRows made{"c", {}};
  made.tables.resize(4);
  made.tables[0].row = MathSnapshot::descriptor();
  made.tables[1].row = MathOpinion::descriptor();
  made.tables[2].row = MathGroup::descriptor();
  made.tables[3].row = MathParticipant::descriptor();
  auto snapshot = std::make_unique<MathSnapshot>();
  snapshot->set_conversation_id("c");
  snapshot->set_as_of(as_of);
  made.tables[0].rows.push_back(std::move(snapshot));
  for (int o = 0; o < kOpinions; ++o) {
    auto row = std::make_unique<MathOpinion>();
    row->set_conversation_id("c");
    row->set_opinion_id(numbered(o));
    row->set_priority(0.1 + o);
    row->set_groups(R"({"0":{"agrees":1,"disagrees":2,"passes":3,"representativeness":1.25}})");
    made.tables[1].rows.push_back(std::move(row));
  }
  for (int p = first; p < kParticipants; ++p) {
    auto row = std::make_unique<MathParticipant>();
    row->set_conversation_id("c");
    row->set_participant_id(numbered(p));
    row->set_group_id(p == moved ? "1" : "0");
    made.tables[3].rows.push_back(std::move(row));
  }
  return made;
}

}  // namespace

TEST_CASE("19 000 opinions and 100 000 participants are published while nobody who reads waits") {
  Published view;
  std::atomic<int> read = 0;
  std::atomic<bool> waited = false;
  std::jthread reader([&](const std::stop_token& stop) {
    PgConnection connection(view.url);
    connection.run("SET lock_timeout = '1ms'");
    while (!stop.stop_requested()) {
      try {
        // All of one time.
        const PgResult seen = connection.run(
            "SELECT coalesce((SELECT as_of FROM deliberation.math_snapshot), 0), "
            "(SELECT count(*) FROM deliberation.math_participant)");
        const std::int64_t expected =
            seen.number(0, 0) == 0 ? 0 : kParticipants - seen.number(0, 0);
        waited = waited || seen.number(0, 1) != expected;
        ++read;
      } catch (const std::exception&) {
        waited = true;
      }
    }
  });
  for (int as_of = 1; as_of <= 3; ++as_of) view.publish(groups(as_of, as_of, 500 * as_of));
  reader.request_stop();
  reader.join();
  CHECK(read > 3);
  CHECK_FALSE(waited);
  CHECK(view.ask("SELECT count(*) FROM deliberation.math_opinion") == std::to_string(kOpinions));
  CHECK(view.ask("SELECT participant_id FROM deliberation.math_participant WHERE group_id = '1'") ==
        numbered(1500));
}

TEST_CASE("of computed rows only those that changed are written") {
  Published view;
  view.publish(groups(1, 0, 7));
  const std::string before = view.ask("SELECT pg_current_xact_id()::text");
  view.publish(groups(2, 0, 8));
  const auto written = [&](const std::string& table) {
    return view.ask("SELECT count(*) FROM deliberation_g1." + table +
                    " WHERE xmin::text::bigint > " + before + " OR xmax::text <> '0'");
  };
  CHECK(written("math_snapshot") == "1");
  CHECK(written("math_participant") == "2");
  CHECK(written("math_opinion") == "0");
}

}  // namespace sluice::testing
