// The math tables of a conversation.

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "deliberation/tables.pb.h"
#include "projectors/deliberation/math/document.h"
#include "projectors/deliberation/opinion_groups.h"
#include "storage/base/json_writer.h"

namespace sluice {
namespace {

using deliberation::MathGroup;
using deliberation::MathOpinion;
using deliberation::MathParticipant;
using deliberation::MathSnapshot;

// Three digits of it: more nobody can see on a map or in an order of opinions. Where an opinion
// lies, and so its priority, changes a little with every vote on any other; unrounded, every row of
// a conversation would be written again each time. What else a row has changes only with the votes
// on its own opinion, and is exact.
double in_three_digits(double value) {
  constexpr int kBehindThePoint = 2;  // in scientific form
  std::array<char, 32> text{};
  const auto written = std::to_chars(text.begin(), text.end(), value, std::chars_format::scientific,
                                     kBehindThePoint);
  double rounded = 0;
  std::from_chars(text.begin(), written.ptr, rounded);
  return rounded;
}

class MathRows {
 public:
  MathRows(const std::string& conversation_id, const MathConversation& conversation,
           const math::Snapshot& snapshot)
      : id_(conversation_id),
        s_(snapshot),
        names_{conversation.participants, conversation.opinions},
        grouping_(snapshot.groupings.chosen()) {}

  [[nodiscard]] ComputedRows made(const ComputedAt& at) const {
    ComputedRows rows{id_, {}};
    add_snapshot(at, add_table<MathSnapshot>(rows));
    add_opinions(add_table<MathOpinion>(rows));
    add_groups(add_table<MathGroup>(rows));
    add_participants(add_table<MathParticipant>(rows));
    return rows;
  }

 private:
  template <class Row>
  static ComputedRows::Table& add_table(ComputedRows& rows) {
    ComputedRows::Table& table = rows.tables.emplace_back();
    table.row = Row::descriptor();
    return table;
  }
  template <class Row>
  Row& add(ComputedRows::Table& table) const {
    auto row = std::make_unique<Row>();
    row->set_conversation_id(id_);
    Row& made = *row;
    table.rows.push_back(std::move(row));
    return made;
  }

  [[nodiscard]] const std::string& name(math::Participant p) const {
    return names_.participants[s_.participant_numbers[p]];
  }
  [[nodiscard]] const std::string& name(math::Opinion o) const {
    return names_.opinions[s_.opinion_numbers[o]];
  }
  [[nodiscard]] std::string name(math::Group g) const { return std::to_string(grouping_->ids[g]); }

  void add_snapshot(const ComputedAt& at, ComputedRows::Table& table) const {
    auto& row = add<MathSnapshot>(table);
    row.set_as_of(at.as_of.value);
    row.set_computed_at(at.computed_at.time_since_epoch().count());
    row.set_elapsed_ms(at.elapsed.count());
    row.set_participants(static_cast<std::int64_t>(s_.participant_numbers.size()));
    row.set_opinions(static_cast<std::int64_t>(s_.opinion_numbers.size()));
    row.set_votes(static_cast<std::int64_t>(s_.votes));
    row.set_groups(static_cast<std::int64_t>(grouping_ == nullptr ? 0 : grouping_->size()));
    math::write_document(s_, names_, {.participants = false}, *row.mutable_result());
  }

  void add_opinions(ComputedRows::Table& table) const {
    for (const math::Opinion o : in_order(s_.opinion_numbers)) {
      auto& row = add<MathOpinion>(table);
      row.set_opinion_id(name(o));
      row.set_extremity(in_three_digits(s_.opinions.extremity[o]));
      row.set_priority(in_three_digits(s_.priorities[o]));
      row.set_group_aware_consensus_agree(s_.group_aware_consensus.agree[o]);
      row.set_group_aware_consensus_disagree(s_.group_aware_consensus.disagree[o]);
      write_groups(o, *row.mutable_groups());
    }
    set_consensus("agree", s_.consensus.agree, table);
    set_consensus("disagree", s_.consensus.disagree, table);
  }

  void set_consensus(std::string_view side, const std::vector<math::ConsensusOpinion>& found,
                     ComputedRows::Table& table) const {
    for (const math::ConsensusOpinion& consensus : found) {
      const auto at = std::ranges::find(table.rows, name(consensus.opinion), [](const auto& row) {
        return static_cast<const MathOpinion&>(*row).opinion_id();
      });
      auto& row = static_cast<MathOpinion&>(**at);
      row.set_consensus(std::string(side));
      row.set_consensus_probability(consensus.p_success);
    }
  }

  void write_groups(math::Opinion o, std::string& out) const {
    JsonWriter json(out);
    json.begin_object();
    for (const math::Group g : s_.group_votes.size.ids()) {
      const math::Counts& own = s_.group_votes.counts[g][o];
      const math::Comparison c = math::compare(own, s_.group_votes.all[o] - own);
      json.name(name(g)).begin_object();
      json.name("agrees").number(own.agrees);
      json.name("disagrees").number(own.disagrees);
      json.name("passes").number(own.votes - own.agrees - own.disagrees);
      // Of whichever direction tells the group better from the others, as in its list.
      json.name("representativeness")
          .real(c.agree_ratio_test > c.disagree_ratio_test ? c.agree_ratio : c.disagree_ratio);
      json.end_object();
    }
    json.end_object();
  }

  void add_groups(ComputedRows::Table& table) const {
    if (grouping_ == nullptr) return;
    for (const math::Group g : grouping_->ids.ids()) {
      auto& row = add<MathGroup>(table);
      row.set_group_id(name(g));
      row.set_size(s_.group_votes.size[g]);
      row.set_center_x(grouping_->center.x[g]);
      row.set_center_y(grouping_->center.y[g]);
      math::write_representatives(s_, names_, g, *row.mutable_representative());
    }
    std::ranges::sort(table.rows, {}, [](const auto& row) {
      return static_cast<const MathGroup&>(*row).group_id();
    });
  }

  void add_participants(ComputedRows::Table& table) const {
    if (grouping_ == nullptr) return;
    math::Per<math::Participant, std::optional<math::BaseCluster>> cluster_of(
        s_.participant_numbers.size());
    for (const math::BaseCluster b : s_.base.ids.ids()) {
      for (const math::Participant p : s_.base.members[b]) cluster_of[p] = b;
    }
    for (const math::Participant p : in_order(s_.participant_numbers)) {
      const std::optional<math::BaseCluster> cluster = cluster_of[p];
      if (!cluster) continue;
      auto& row = add<MathParticipant>(table);
      row.set_participant_id(name(p));
      row.set_group_id(name(grouping_->group_of[*cluster]));
      row.set_base_cluster_id(std::to_string(s_.base.ids[*cluster]));
    }
  }

  // Those that `numbers` has, in the order of their names.
  template <class Id>
  std::vector<Id> in_order(const math::Per<Id, std::uint32_t>& numbers) const {
    std::vector<Id> ids;
    for (const Id id : numbers.ids()) ids.push_back(id);
    std::ranges::sort(ids, {}, [&](Id id) -> const std::string& { return name(id); });
    return ids;
  }

  const std::string& id_;
  const math::Snapshot& s_;
  const math::Names names_;
  const math::Grouping* const grouping_;
};

}  // namespace

ComputedRows math_rows(const std::string& conversation_id, const MathConversation& conversation,
                       const math::Snapshot& snapshot, const ComputedAt& at) {
  return MathRows(conversation_id, conversation, snapshot).made(at);
}

}  // namespace sluice
