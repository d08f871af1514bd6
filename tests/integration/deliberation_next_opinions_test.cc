// What a participant is asked next, on a real Postgres.

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/integration/deliberation_reads.h"

namespace sluice::testing {
namespace {

using Ids = std::vector<std::string>;

// "c" has the opinions o1 to o8; ann voted on o1, o2 is moderated, o3 deleted.
struct Asked : DeliberationReads {
  Asked() {
    connection().run(
        "INSERT INTO deliberation_g1.opinion (conversation_id, opinion_id) "
        "SELECT 'c', 'o' || i FROM generate_series(1, 8) i; "
        "UPDATE deliberation_g1.opinion SET moderation = 'move' WHERE opinion_id = 'o2'; "
        "UPDATE deliberation_g1.opinion SET status = 'deleted' WHERE opinion_id = 'o3'; "
        "INSERT INTO deliberation_g1.opinion (conversation_id, opinion_id) VALUES ('d', 'o9'); "
        "INSERT INTO deliberation_g1.ballot (conversation_id, participant_id, votes) "
        "VALUES ('c', 'ann', '{\"o1\": \"pass\"}')");
  }
  Ids next(const std::string& participant, int n, int seed) {
    const PgResult rows = connection().run(
        "SELECT opinion_id FROM deliberation.next_opinions('c', $1, $2::integer, $3::bigint)",
        {participant, std::to_string(n), std::to_string(seed)});
    Ids ids;
    for (int i = 0; i < rows.rows(); ++i) ids.emplace_back(rows.text(i, 0));
    return ids;
  }
  void weigh(const std::string& opinion, double priority) {
    connection().run(
        "INSERT INTO deliberation_g1.math_opinion (conversation_id, opinion_id, priority) "
        "VALUES ('c', $1, $2::double precision)",
        {opinion, std::to_string(priority)});
  }
};

std::set<std::string> set_of(const Ids& ids) { return {ids.begin(), ids.end()}; }

}  // namespace

TEST_CASE("next are the opinions that are unseen, live and unmoderated, each once") {
  Asked asked;
  CHECK(set_of(asked.next("ann", 100, 1)) == std::set<std::string>{"o4", "o5", "o6", "o7", "o8"});
  CHECK(asked.next("ann", 100, 1).size() == 5);
  CHECK(set_of(asked.next("bob", 100, 1)).contains("o1"));
  CHECK(asked.next("ann", 3, 1).size() == 3);
  CHECK(asked.next("ann", 0, 1).empty());
}

TEST_CASE("the same seed draws the same, another seed or participant another order") {
  Asked asked;
  CHECK(asked.next("ann", 5, 1) == asked.next("ann", 5, 1));
  const Ids first = asked.next("ann", 3, 7);
  const Ids more = asked.next("ann", 5, 7);
  CHECK(Ids(more.begin(), more.begin() + 3) == first);
  std::set<Ids> orders;
  for (int seed = 0; seed < 20; ++seed) orders.insert(asked.next("ann", 5, seed));
  CHECK(orders.size() > 10);
}

TEST_CASE("an opinion is drawn as often as its priority says") {
  Asked asked;
  asked.weigh("o4", 4);
  asked.weigh("o5", 2);
  asked.weigh("o6", 1);
  asked.weigh("o7", 0);  // o8 has none: 1
  std::map<std::string, int> first;
  constexpr int kDraws = 2000;
  for (int seed = 0; seed < kDraws; ++seed) ++first[asked.next("ann", 1, seed).front()];
  // Of 4 + 2 + 1 + 1; five standard deviations are 110 at most.
  CHECK(std::abs(first["o4"] - kDraws * 4 / 8) < 115);
  CHECK(std::abs(first["o5"] - kDraws * 2 / 8) < 100);
  CHECK(std::abs(first["o6"] - kDraws * 1 / 8) < 75);
  CHECK(std::abs(first["o8"] - kDraws * 1 / 8) < 75);
  CHECK(first["o7"] == 0);
  CHECK(asked.next("ann", 5, 1).back() == "o7");
}

TEST_CASE("votes are shown one by one beside the ballots") {
  Asked asked;
  CHECK(asked.value("SELECT conversation_id || participant_id || opinion_id || choice "
                    "FROM deliberation.vote") == "canno1pass");
}

}  // namespace sluice::testing
