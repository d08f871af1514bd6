#include "tools/simulate/deliberation.h"

#include "projectors/deliberation/projection.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "schemas/descriptors/words.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/fold_driver.h"

namespace sluice::simulate {
namespace {

DeliberationShape small() {
  DeliberationShape shape;
  shape.votes = 20'000;
  shape.conversations = 50;
  shape.participants = 1'000;
  return shape;
}

std::vector<std::string> lines(std::uint64_t seed, const DeliberationShape& shape = small()) {
  DeliberationTraffic traffic(seed, shape);
  std::vector<std::string> all;
  while (const auto posted = traffic.next()) all.push_back(cloud_event(*posted));
  return all;
}

TEST_CASE("a seed gives the same traffic each time, another seed another") {
  const auto once = lines(7);
  CHECK(once == lines(7));
  CHECK(once != lines(8));
}

TEST_CASE("benchmarks go on with the traffic that they were begun with") {
  DeliberationShape shape = DeliberationShape::benchmark();
  shape.votes = 20'000;
  shape.conversations = 50;
  shape.participants = 1'000;
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const std::string& line : lines(7, shape)) {
    for (const char c : line) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  }
  CHECK(hash == 3532033545355969782u);
}

TEST_CASE("a fact is posted as a CloudEvent, or as the record that ingest makes of it") {
  const PostedFact<deliberation::Event> posted{
      "e1", "c", facts::actor("ann", Actor::LEVEL_ACCOUNT),
      facts::opinion("c", "o1", "ann", {"say \"no\"\n", true, false})};
  CHECK(cloud_event(posted) ==
        R"({"specversion":"1.0","id":"e1","source":"/simulate","type":"opinion.created",)"
        R"("actor":"ann","actorlevel":"account","actorrole":"participant","data":)"
        R"({"conversation_id":"c","opinion_id":"o1","author_id":"ann",)"
        R"("body":"say \"no\"\u000a","auto_vote":true,"is_seed":false}})");

  const Envelope record = envelope(posted, Time{std::chrono::milliseconds{5}});
  CHECK(record.type() == "opinion.created");
  CHECK(record.domain() == "deliberation");
  CHECK(record.key() == "c");
  CHECK(record.recorded_at() == 5);
  deliberation::Event event;
  REQUIRE(event.ParseFromString(record.payload()));
  CHECK(event.opinion_created().author_id() == "ann");
}

TEST_CASE("the fold admits all of it, and it has the shape that was asked for") {
  DeliberationTraffic traffic(1, small());
  FoldDriver<Deliberation> driver;
  std::map<std::string, int> types;
  while (const auto posted = traffic.next()) {
    ++types[fact_type(posted->event)];
    const auto reason = driver.post_as(posted->actor, posted->event);
    if (!reason.empty()) FAIL(reason << ": " << cloud_event(*posted));
  }
  CHECK(types["conversation.created"] == 50);
  CHECK(types["vote.set"] > 20'000);  // imports vote too
  CHECK(types["opinion.created"] > 2'000);
  CHECK(types["opinion.created"] < 4'000);
  CHECK(types["opinion.moderated"] > 10);
  CHECK(types["opinion.marked_meta"] > 2);
  const auto* facts = deliberation::Event::descriptor()->oneof_decl(0);
  for (int i = 0; i < facts->field_count(); ++i) {
    const std::string type = type_of(*facts->field(i));
    INFO(type);
    CHECK(types[type] > 0);
  }
  const auto busiest = driver.row<deliberation::ConversationStats>("c0")->total_vote_count();
  const auto median = driver.row<deliberation::ConversationStats>("c24")->total_vote_count();
  CHECK(busiest > 10 * median);
}

}  // namespace
}  // namespace sluice::simulate
