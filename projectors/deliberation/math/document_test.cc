#include "projectors/deliberation/math/document.h"

#include <catch2/catch.hpp>

#include <limits>

#include "storage/base/json_writer.h"
#include "tests/support/math_votes.h"

using namespace sluice;
using namespace sluice::math;

namespace {

std::string number(double value) {
  std::string out;
  JsonWriter(out).real(value);
  return out;
}

Snapshot snapshot() {
  return *compute(testing::grouped_votes({.participants = 20, .opinions = 12, .votes = 120}),
                  {.base_votes = true});
}

// The text behind a key of the top level, up to the next comma of that level.
std::string value_of(const std::string& document, const std::string& key) {
  const auto begin = document.find("\"" + key + "\":") + key.size() + 3;
  int depth = 0;
  for (std::size_t i = begin; i < document.size(); ++i) {
    const char c = document[i];
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth < 0 || (depth == 0 && c == ',')) return document.substr(begin, i - begin);
  }
  return {};
}

struct Documents {
  std::vector<std::string> participants, opinions;
  Snapshot of = snapshot();
  std::string ours, polis;

  Documents() {
    for (int i = 0; i < 20; ++i) {
      participants.push_back("p" + std::to_string(i));
      opinions.push_back("o\"" + std::to_string(i));
    }
    write_document(of, {participants, opinions}, {}, ours);
    write_polis_document(of, {participants, opinions},
                         {.conversation_id = "c1", .tick = 7, .last_vote_ms = 1700000000000},
                         polis);
  }
};

}  // namespace

TEST_CASE("numbers have the fewest digits that read back, and none is not finite") {
  CHECK(number(0.1) == "0.1");
  CHECK(number(1.0 / 3) == "0.3333333333333333");
  CHECK(number(5e-324) == "5e-324");
  CHECK(number(1e300) == "1e+300");
  CHECK(number(-0.0) == "0");
  CHECK(number(2) == "2");
  CHECK(number(std::numeric_limits<double>::infinity()) == "null");
  CHECK(number(std::numeric_limits<double>::quiet_NaN()) == "null");
}

TEST_CASE("text is escaped, and commas stand between values only") {
  std::string out = "before:";
  JsonWriter json(out);
  json.begin_object();
  json.name("a\n").begin_array();
  json.end_array();
  json.name("b").begin_array();
  json.number(-1);
  json.text("q\"\\\x01");
  json.flag(true);
  json.null();
  json.end_array();
  json.name("c").real(0.5);
  json.end_object();
  CHECK(out == "before:{\"a\\u000a\":[],\"b\":[-1,\"q\\\"\\\\\\u0001\",true,null],\"c\":0.5}");
}

TEST_CASE("ids are the caller's names, as JSON strings") {
  const Documents documents;
  CHECK(value_of(documents.ours, "in-conv").starts_with(R"(["p0","p1")"));
  CHECK(value_of(documents.ours, "tids").starts_with(R"(["o\"0","o\"1")"));
  CHECK(value_of(documents.ours, "group-clusters").starts_with(R"([{"id":"0","members":["0")"));
}

TEST_CASE("Polis's document has the other sign where a vote's sign is, and there alone") {
  const Documents documents;
  const auto center = documents.of.center[Opinion{0}];
  const auto pca = value_of(documents.polis, "pca");
  CHECK(value_of(pca, "center").starts_with("[" + number(-center)));
  CHECK(value_of(value_of(documents.ours, "pca"), "center").starts_with("[" + number(center)));
  const auto place = documents.of.opinions.at.x[Opinion{0}];
  CHECK(value_of(pca, "comment-projection").starts_with("[[" + number(-place)));
  const auto ours = value_of(documents.ours, "pca");
  CHECK(value_of(pca, "comps") == value_of(ours, "comps"));
  CHECK(value_of(pca, "comment-extremity") == value_of(ours, "comment-extremity"));
  CHECK(value_of(value_of(documents.polis, "base-clusters"), "x")
            .starts_with("[" + number(-documents.of.base.at.x[BaseCluster{0}])));
  CHECK(documents.polis.find("\"center\":[" +
                             number(-documents.of.groupings.chosen()->center.x[Group{0}])) !=
        std::string::npos);
  for (const char* same : {"repness", "consensus", "group-votes", "votes-base", "in-conv",
                           "group-aware-consensus", "comment-priorities", "user-vote-counts"}) {
    CHECK(value_of(documents.polis, same) == value_of(documents.ours, same));
  }
}

TEST_CASE("Polis's document has the keys that Polis publishes, and no others") {
  const Documents documents;
  CHECK(value_of(documents.polis, "zid") == "\"c1\"");
  CHECK(value_of(documents.polis, "math_tick") == "7");
  CHECK(value_of(documents.polis, "lastVoteTimestamp") == "1700000000000");
  CHECK(documents.polis.find("participant-projections") == std::string::npos);
  CHECK(documents.polis.find("eigenvalues") == std::string::npos);
}

TEST_CASE("votes-base and what there is of every participant are left out when not asked for") {
  const Documents documents;
  Snapshot without = documents.of;
  without.base_votes.reset();
  std::string out;
  write_document(without, {documents.participants, documents.opinions}, {.participants = false},
                 out);
  CHECK(out.find("votes-base") == std::string::npos);
  CHECK(out.find("participant-projections") == std::string::npos);
  CHECK(documents.ours.find("votes-base") != std::string::npos);
}
