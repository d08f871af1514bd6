// Each stage of the math by itself against what Polis servers published for the same votes: a stage
// is given what was published of the stages before it.

#include <simdjson.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <set>

#include "projectors/deliberation/math/priority.h"
#include "projectors/deliberation/math/snapshot.h"
#include "tools/import/polis_conversation.h"

using namespace sluice;
using namespace sluice::math;
using simdjson::dom::element;

namespace {

const std::filesystem::path kFixtures = "../shared/data/polis/math-fixtures";

std::vector<double> numbers(element list, double sign = 1) {
  std::vector<double> made;
  for (const element value : list.get_array()) made.push_back(sign * double(value.get_double()));
  return made;
}

std::vector<std::string> ids(element list) {
  std::vector<std::string> made;
  for (const element value : list.get_array()) made.push_back(std::to_string(int64_t(value)));
  return made;
}

void require_near(double got, double want, double relative = 1e-9, double absolute = 1e-9) {
  CHECK(std::abs(got - want) <= std::max(absolute, relative * std::abs(want)));
}

// A folder of math-fixtures: votes, and what was published, in our sign.
struct Published {
  simdjson::dom::parser parser;
  element document;
  PolisConversation polis;
  Conversation conversation;
  VoteMatrix votes;
  Per<Opinion, OpinionStatus> status;
  Per<Opinion, Counts> counts;
  std::map<std::string, Participant> participants;
  std::map<std::string, Opinion> opinions;
  std::vector<std::string> tids;

  explicit Published(const std::filesystem::path& folder)
      : document(parser.load((folder / "math-pca2.json").string())),
        polis(polis_conversation(read_polis_export(folder, Agree::declared))),
        conversation(with_published_status()),
        votes(conversation),
        status(status_of_columns(conversation, votes)),
        counts(count_votes(votes)) {
    for (const Participant p : votes.participant_numbers().ids()) {
      participants[polis.participants[votes.participant_numbers()[p]]] = p;
    }
    for (const Opinion o : votes.opinion_numbers().ids()) {
      tids.push_back(polis.opinions[votes.opinion_numbers()[o]]);
      opinions[tids.back()] = o;
    }
  }

  Conversation with_published_status() {
    std::map<std::string, OpinionStatus> published;
    for (const auto& id : ids(document["mod-out"])) published[id].moderated_out = true;
    for (const auto& id : ids(document["meta-tids"])) published[id].is_meta = true;
    Conversation made = polis.conversation;
    for (std::size_t o = 0; o < made.opinions.size(); ++o) {
      made.opinions[o] = published[polis.opinions[o]];
    }
    return made;
  }

  [[nodiscard]] Per<Opinion, double> center() const {
    return Per<Opinion, double>(numbers(document["pca"]["center"], -1));
  }
  [[nodiscard]] Components components() const {
    Components made;
    for (std::size_t k = 0; k < 2; ++k) {
      made.loadings[k] = Per<Opinion, double>(numbers(document["pca"]["comps"].at(k)));
    }
    return made;
  }
  // In the order of their ids.
  [[nodiscard]] BaseClusters base() const {
    const element published = document["base-clusters"];
    BaseClusters made;
    for (const element id : published["id"].get_array()) {
      made.ids.push_back(static_cast<std::uint32_t>(int64_t(id)));
    }
    made.at.x = Per<BaseCluster, double>(numbers(published["x"], -1));
    made.at.y = Per<BaseCluster, double>(numbers(published["y"], -1));
    for (const element members : published["members"].get_array()) {
      std::vector<Participant> rows;
      for (const std::string& id : ids(members)) rows.push_back(participants.at(id));
      std::ranges::sort(rows);
      made.members.push_back(rows);
    }
    return made;
  }
  // By id.
  [[nodiscard]] std::map<int64_t, element> groups() const {
    std::map<int64_t, element> made;
    for (const element group : document["group-clusters"].get_array()) {
      made[int64_t(group["id"])] = group;
    }
    return made;
  }
};

void check_records(const std::vector<Representative>& got, element want, const Published& of) {
  REQUIRE(got.size() == want.get_array().size());
  std::size_t i = 0;
  for (const element record : want.get_array()) {
    const Representative& r = got[i++];
    CHECK(of.tids[index(r.opinion)] == std::to_string(int64_t(record["tid"])));
    CHECK((r.direction == Choice::agree) == (std::string_view(record["repful-for"]) == "agree"));
    CHECK(r.successes == uint64_t(record["n-success"]));
    CHECK(r.trials == uint64_t(record["n-trials"]));
    require_near(r.p_success, record["p-success"].get_double());
    require_near(r.p_test, record["p-test"].get_double());
    require_near(r.repness, record["repness"].get_double());
    // Stored there in single precision.
    require_near(r.repness_test, record["repness-test"].get_double(), 1e-6, 1e-7);
    uint64_t agree = 0;
    const bool best = record["n-agree"].get(agree) == simdjson::SUCCESS;
    CHECK(r.best_agree.has_value() == best);
    if (best) CHECK(r.best_agree == agree);
  }
}

template <class Check>
void on_every_fixture(Check check) {
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFixtures)) {
    INFO(entry.path().filename().string());
    const Published published(entry.path());
    check(published);
    ++found;
  }
  CHECK(found == 4);
}

}  // namespace

TEST_CASE("published rows, columns, numbers of votes and who is clustered") {
  on_every_fixture([](const Published& of) {
    CHECK(of.votes.participants() == uint64_t(of.document["n"]));
    CHECK(of.votes.opinions() == uint64_t(of.document["n-cmts"]));
    CHECK(ids(of.document["tids"]) == of.tids);
    for (const auto& [id, participant] : of.participants) {
      CHECK(of.votes.row(participant).size() == uint64_t(of.document["user-vote-counts"][id]));
    }
    std::set<std::string> clustered;
    for (std::size_t p = 0; p < of.conversation.in_conv.size(); ++p) {
      if (of.conversation.in_conv[p]) clustered.insert(of.polis.participants[p]);
    }
    const auto published = ids(of.document["in-conv"]);
    CHECK(clustered == std::set<std::string>(published.begin(), published.end()));
  });
}

TEST_CASE("published centers and components") {
  on_every_fixture([](const Published& of) {
    const auto center = center_of(of.counts, of.status);
    const auto published = of.center();
    for (const Opinion o : center.ids()) require_near(center[o], published[o], 0, 1e-12);
    const Components found =
        principal_components(centered(of.votes, of.counts, center, of.status), of.votes.opinions());
    const Components want = of.components();
    for (std::size_t k = 0; k < 2; ++k) {
      CHECK(found.residuals[k] <= kResidual);
      double along = 0;
      for (const Opinion o : center.ids()) along += found.loadings[k][o] * want.loadings[k][o];
      const double sign = along < 0 ? -1 : 1;
      for (const Opinion o : center.ids()) {
        require_near(found.loadings[k][o], sign * want.loadings[k][o]);
      }
    }
  });
}

TEST_CASE("published places of base clusters and opinions, from published components") {
  on_every_fixture([](const Published& of) {
    const auto at = project_participants(of.votes, of.center(), of.status, of.components());
    const BaseClusters base = of.base();
    for (const BaseCluster b : base.ids.ids()) {
      double x = 0;
      double y = 0;
      for (const Participant p : base.members[b]) {
        x += at.x[p];
        y += at.y[p];
      }
      const auto size = static_cast<double>(base.members[b].size());
      require_near(x / size, base.at.x[b]);
      require_near(y / size, base.at.y[b]);
    }
    const OpinionPlaces places = project_opinions(of.center(), of.components());
    const element pca = of.document["pca"];
    const auto x = numbers(pca["comment-projection"].at(0), -1);
    const auto y = numbers(pca["comment-projection"].at(1), -1);
    const auto extremity = numbers(pca["comment-extremity"]);
    for (const Opinion o : places.extremity.ids()) {
      require_near(places.at.x[o], x[index(o)]);
      require_near(places.at.y[o], y[index(o)]);
      require_near(places.extremity[o], extremity[index(o)]);
    }
  });
}

TEST_CASE("published groups, from published base clusters") {
  on_every_fixture([](const Published& of) {
    const BaseClusters base = of.base();
    const Groupings groupings = group(base);
    const auto published = of.groups();
    const Grouping& chosen = *groupings.chosen();
    REQUIRE(chosen.size() == published.size());
    CHECK(chosen.k == published.size());
    Group g{0};
    for (const auto& [id, want] : published) {
      CHECK(chosen.ids[g] == id);
      std::set<std::string> members;
      for (const BaseCluster b : base.ids.ids()) {
        if (chosen.group_of[b] == g) members.insert(std::to_string(base.ids[b]));
      }
      const auto expected = ids(want["members"]);
      CHECK(members == std::set<std::string>(expected.begin(), expected.end()));
      require_near(chosen.center.x[g], -double(want["center"].at(0).get_double()));
      require_near(chosen.center.y[g], -double(want["center"].at(1).get_double()));
      g = Group{index(g) + 1};
    }
  });
}

TEST_CASE("published votes of base clusters and groups, from published members") {
  on_every_fixture([](const Published& of) {
    const BaseClusters base = of.base();
    const BaseVotes base_votes = count_base_votes(of.votes, base);
    const Groupings groupings = group(base);
    const GroupVotes group_votes = count_group_votes(of.votes, base, groupings.chosen());
    const auto check = [](const Counts& counts, uint64_t a, uint64_t d, uint64_t s) {
      CHECK(counts == Counts{static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(d),
                             static_cast<std::uint32_t>(s)});
    };
    for (const auto& [tid, o] : of.opinions) {
      const element votes = of.document["votes-base"][tid];
      for (const BaseCluster b : base.ids.ids()) {
        check(base_votes[o][b], votes["A"].at(index(b)), votes["D"].at(index(b)),
              votes["S"].at(index(b)));
      }
      for (const Group g : group_votes.size.ids()) {
        const element group =
            of.document["group-votes"][std::to_string(groupings.chosen()->ids[g])];
        CHECK(group_votes.size[g] == uint64_t(group["n-members"]));
        const element counts = group["votes"][tid];
        check(group_votes.counts[g][o], counts["A"], counts["D"], counts["S"]);
      }
    }
  });
}

TEST_CASE("published representatives, consensus and priorities, from published members") {
  on_every_fixture([](const Published& of) {
    const BaseClusters base = of.base();
    const Groupings groupings = group(base);
    const GroupVotes votes = count_group_votes(of.votes, base, groupings.chosen());
    const auto found = representatives(votes, of.status);
    for (const Group g : votes.size.ids()) {
      const auto id = std::to_string(groupings.chosen()->ids[g]);
      check_records(found[g], of.document["repness"][id], of);
    }
    const Consensus consensus = find_consensus(of.counts, of.status);
    for (const auto& [side, got] :
         {std::pair{"agree", &consensus.agree}, std::pair{"disagree", &consensus.disagree}}) {
      const element want = of.document["consensus"][side];
      REQUIRE(got->size() == want.get_array().size());
      for (std::size_t i = 0; i < got->size(); ++i) {
        const ConsensusOpinion& c = (*got)[i];
        CHECK(of.tids[index(c.opinion)] == std::to_string(int64_t(want.at(i)["tid"])));
        CHECK(c.successes == uint64_t(want.at(i)["n-success"]));
        CHECK(c.trials == uint64_t(want.at(i)["n-trials"]));
        require_near(c.p_success, want.at(i)["p-success"].get_double());
        require_near(c.p_test, want.at(i)["p-test"].get_double());
      }
    }
    const auto aware = find_group_aware_consensus(votes);
    const auto extremity = Per<Opinion, double>(numbers(of.document["pca"]["comment-extremity"]));
    const auto priority = priorities(votes, extremity, of.status);
    bool all_49 = true;  // a defect of some servers
    for (const auto& [tid, o] : of.opinions) {
      all_49 = all_49 && double(of.document["comment-priorities"][tid].get_double()) == 49;
    }
    for (const auto& [tid, o] : of.opinions) {
      require_near(aware.agree[o], of.document["group-aware-consensus"][tid].get_double(), 1e-9, 0);
      if (all_49) continue;
      require_near(priority[o], of.document["comment-priorities"][tid].get_double(), 1e-9, 0);
    }
  });
}
