#include "projectors/deliberation/math/document.h"

#include "storage/base/json_writer.h"

namespace sluice::math {
namespace {

class Document {
 public:
  // `sign` is what an agreement counts.
  Document(const Snapshot& snapshot, const Names& names, double sign, std::string& out)
      : s_(snapshot), names_(names), sign_(sign), json_(out) {}

  void begin() { json_.begin_object(); }
  void end() { json_.end_object(); }
  void ours(const DocumentParts& parts);
  void polis(const PolisFields& fields);
  void representatives_of(Group g);

 private:
  // Ids.
  [[nodiscard]] const std::string& name(Participant p) const {
    return names_.participants[s_.participant_numbers[p]];
  }
  [[nodiscard]] const std::string& name(Opinion o) const {
    return names_.opinions[s_.opinion_numbers[o]];
  }
  [[nodiscard]] std::string name(BaseCluster b) const { return std::to_string(s_.base.ids[b]); }
  [[nodiscard]] std::string name(Group g) const {
    return std::to_string(s_.groupings.chosen()->ids[g]);
  }

  // Parts that are named differently in different places.
  template <class Ids>
  void names_of(std::string_view key, const Ids& ids) {
    json_.name(key).begin_array();
    for (const auto id : ids) json_.text(name(id));
    json_.end_array();
  }
  template <class Values>
  void numbers(const Values& values, double sign = 1) {
    json_.begin_array();
    for (const double value : values) json_.real(sign * value);
    json_.end_array();
  }
  void counts(const Counts& counts) {
    json_.begin_object();
    json_.name("A").number(counts.agrees);
    json_.name("D").number(counts.disagrees);
    json_.name("S").number(counts.votes);
    json_.end_object();
  }
  void by_opinion(std::string_view key, const Per<Opinion, double>& values) {
    json_.name(key).begin_object();
    for (const Opinion o : values.ids()) json_.name(name(o)).real(values[o]);
    json_.end_object();
  }

  // The parts of the document.
  void rows_and_columns();
  void pca(bool accuracy);
  void base_clusters();
  void votes_base();
  void group_clusters();
  void group_votes();
  void representatives();
  void consensus();
  void consensus_list(std::string_view key, const std::vector<ConsensusOpinion>& found);
  void groupings();
  void everybody();
  void stats();

  const Snapshot& s_;
  const Names names_;
  const double sign_;
  bool rows_in_order_ = false;
  JsonWriter json_;
};

void Document::rows_and_columns() {
  json_.name("n").number(s_.participant_numbers.size());
  json_.name("n-cmts").number(s_.opinion_numbers.size());
  names_of("tids", s_.opinion_numbers.ids());
  std::vector<Opinion> zeroed;
  std::vector<Opinion> meta;
  for (const Opinion o : s_.status.ids()) {
    if (s_.status[o].zeroed()) zeroed.push_back(o);
    if (s_.status[o].is_meta) meta.push_back(o);
  }
  names_of("mod-out", zeroed);
  names_of("meta-tids", meta);
  json_.name("user-vote-counts").begin_object();
  for (const Participant p : s_.vote_counts.ids()) {
    json_.name(name(p)).number(s_.vote_counts[p]);
  }
  json_.end_object();
  names_of("in-conv", s_.in_conv);
  // Objects lose their order in some stores.
  if (rows_in_order_) names_of("rows", s_.participant_numbers.ids());
}

// Components stay as they are: their sign is a convention, not a vote's.
void Document::pca(bool accuracy) {
  json_.name("pca").begin_object();
  json_.name("center");
  numbers(s_.center, sign_);
  json_.name("comps").begin_array();
  for (const auto& loadings : s_.components.loadings) numbers(loadings);
  json_.end_array();
  json_.name("comment-projection").begin_array();
  numbers(s_.opinions.at.x, sign_);
  numbers(s_.opinions.at.y, sign_);
  json_.end_array();
  json_.name("comment-extremity");
  numbers(s_.opinions.extremity);
  if (accuracy) {
    json_.name("eigenvalues");
    numbers(s_.components.eigenvalues);
    json_.name("relative-residual");
    numbers(s_.components.residuals);
    json_.name("relative-gap");
    numbers(s_.components.gaps);
  }
  json_.end_object();
}

void Document::base_clusters() {
  json_.name("base-clusters").begin_object();
  names_of("id", s_.base.ids.ids());
  json_.name("members").begin_array();
  for (const auto& members : s_.base.members) {
    json_.begin_array();
    for (const Participant p : members) json_.text(name(p));
    json_.end_array();
  }
  json_.end_array();
  json_.name("x");
  numbers(s_.base.at.x, sign_);
  json_.name("y");
  numbers(s_.base.at.y, sign_);
  json_.name("count").begin_array();
  for (const auto& members : s_.base.members) json_.number(members.size());
  json_.end_array();
  json_.end_object();
}

void Document::votes_base() {
  if (!s_.base_votes) return;
  constexpr std::pair<std::string_view, std::uint32_t Counts::*> kCounts[] = {
      {"A", &Counts::agrees}, {"D", &Counts::disagrees}, {"S", &Counts::votes}};
  json_.name("votes-base").begin_object();
  for (const Opinion o : s_.base_votes->ids()) {
    json_.name(name(o)).begin_object();
    for (const auto& [key, count] : kCounts) {
      json_.name(key).begin_array();
      for (const Counts& counts : (*s_.base_votes)[o]) json_.number(counts.*count);
      json_.end_array();
    }
    json_.end_object();
  }
  json_.end_object();
}

void Document::group_clusters() {
  json_.name("group-clusters").begin_array();
  const Grouping* grouping = s_.groupings.chosen();
  for (const Group g : each<Group>(grouping == nullptr ? 0 : grouping->size())) {
    json_.begin_object();
    json_.name("id").text(name(g));
    json_.name("members").begin_array();
    for (const BaseCluster b : grouping->group_of.ids()) {
      if (grouping->group_of[b] == g) json_.text(name(b));
    }
    json_.end_array();
    json_.name("center").begin_array();
    json_.real(sign_ * grouping->center.x[g]);
    json_.real(sign_ * grouping->center.y[g]);
    json_.end_array();
    json_.end_object();
  }
  json_.end_array();
}

void Document::group_votes() {
  json_.name("group-votes").begin_object();
  for (const Group g : s_.group_votes.size.ids()) {
    json_.name(name(g)).begin_object();
    json_.name("id").text(name(g));
    json_.name("n-members").number(s_.group_votes.size[g]);
    json_.name("votes").begin_object();
    for (const Opinion o : s_.opinion_numbers.ids()) {
      json_.name(name(o));
      counts(s_.group_votes.counts[g][o]);
    }
    json_.end_object();
    json_.end_object();
  }
  json_.end_object();
}

void Document::representatives() {
  json_.name("repness").begin_object();
  for (const Group g : s_.representatives.ids()) {
    json_.name(name(g));
    representatives_of(g);
  }
  json_.end_object();
}

void Document::representatives_of(Group g) {
  json_.begin_array();
  for (const Representative& r : s_.representatives[g]) {
    json_.begin_object();
    json_.name("tid").text(name(r.opinion));
    json_.name("n-success").number(r.successes);
    json_.name("n-trials").number(r.trials);
    json_.name("p-success").real(r.p_success);
    json_.name("p-test").real(r.p_test);
    json_.name("repness").real(r.repness);
    json_.name("repness-test").real(r.repness_test);
    json_.name("repful-for").text(r.direction == Choice::agree ? "agree" : "disagree");
    if (r.best_agree) {
      json_.name("best-agree").flag(true);
      json_.name("n-agree").number(*r.best_agree);
    }
    json_.end_object();
  }
  json_.end_array();
}

void Document::consensus() {
  json_.name("consensus").begin_object();
  consensus_list("agree", s_.consensus.agree);
  consensus_list("disagree", s_.consensus.disagree);
  json_.end_object();
  by_opinion("group-aware-consensus", s_.group_aware_consensus.agree);
  by_opinion("comment-priorities", s_.priorities);
}

void Document::consensus_list(std::string_view key, const std::vector<ConsensusOpinion>& found) {
  json_.name(key).begin_array();
  for (const ConsensusOpinion& c : found) {
    json_.begin_object();
    json_.name("tid").text(name(c.opinion));
    json_.name("n-success").number(c.successes);
    json_.name("n-trials").number(c.trials);
    json_.name("p-success").real(c.p_success);
    json_.name("p-test").real(c.p_test);
    json_.end_object();
  }
  json_.end_array();
}

void Document::groupings() {
  if (const Grouping* grouping = s_.groupings.chosen()) json_.name("best-k").number(grouping->k);
  json_.name("group-clusterings").begin_object();
  for (const Grouping& grouping : s_.groupings.tried) {
    json_.name(std::to_string(grouping.k)).begin_object();
    json_.name("ids").begin_array();
    for (const std::uint32_t id : grouping.ids) json_.text(std::to_string(id));
    json_.end_array();
    json_.name("labels").begin_array();
    for (const Group g : grouping.group_of) json_.text(std::to_string(grouping.ids[g]));
    json_.end_array();
    json_.name("centers").begin_array();
    for (const Group g : grouping.ids.ids()) {
      json_.begin_array();
      json_.real(sign_ * grouping.center.x[g]);
      json_.real(sign_ * grouping.center.y[g]);
      json_.end_array();
    }
    json_.end_array();
    json_.name("silhouette").real(grouping.silhouette);
    json_.name("rounds").number(grouping.rounds);
    json_.end_object();
  }
  json_.end_object();
}

void Document::everybody() {
  names_of("participants", s_.participant_numbers.ids());
  json_.name("participant-projections").begin_object();
  json_.name("x");
  numbers(s_.participants.x, sign_);
  json_.name("y");
  numbers(s_.participants.y, sign_);
  json_.end_object();
  stats();
}

void Document::stats() {
  constexpr std::pair<std::string_view, double ParticipantStats::*> kStats[] = {
      {"centricness", &ParticipantStats::centricness},
      {"coreness", &ParticipantStats::coreness},
      {"extremeness", &ParticipantStats::extremeness}};
  json_.name("participant-stats").begin_object();
  json_.name("participants").begin_array();
  for (const ParticipantStats& of : s_.participant_stats) json_.text(name(of.participant));
  json_.end_array();
  json_.name("group").begin_array();
  for (const ParticipantStats& of : s_.participant_stats) json_.text(name(of.group));
  json_.end_array();
  for (const auto& [key, stat] : kStats) {
    json_.name(key).begin_array();
    for (const ParticipantStats& of : s_.participant_stats) json_.real(of.*stat);
    json_.end_array();
  }
  json_.end_object();
}

void Document::ours(const DocumentParts& parts) {
  if (s_.votes == 0) json_.name("reason").text("empty_vote_matrix");
  rows_in_order_ = !parts.participants;
  rows_and_columns();
  pca(true);
  base_clusters();
  votes_base();
  group_clusters();
  group_votes();
  representatives();
  consensus();
  groupings();
  if (parts.participants) everybody();
}

void Document::polis(const PolisFields& fields) {
  json_.name("zid").text(fields.conversation_id);
  json_.name("math_tick").number(fields.tick);
  json_.name("lastVoteTimestamp").number(fields.last_vote_ms);
  json_.name("lastModTimestamp").null();
  // Accepted and unseen ones are the same to us.
  json_.name("mod-in").begin_array();
  json_.end_array();
  rows_and_columns();
  pca(false);
  base_clusters();
  votes_base();
  group_clusters();
  group_votes();
  representatives();
  consensus();
}

}  // namespace

void write_document(const Snapshot& snapshot, const Names& names, const DocumentParts& parts,
                    std::string& out) {
  Document document(snapshot, names, 1, out);
  document.begin();
  document.ours(parts);
  document.end();
}

void write_representatives(const Snapshot& snapshot, const Names& names, Group group,
                           std::string& out) {
  Document(snapshot, names, 1, out).representatives_of(group);
}

void write_polis_document(const Snapshot& snapshot, const Names& names, const PolisFields& fields,
                          std::string& out) {
  Document document(snapshot, names, -1, out);
  document.begin();
  document.polis(fields);
  document.end();
}

}  // namespace sluice::math
