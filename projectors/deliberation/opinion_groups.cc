#include "projectors/deliberation/opinion_groups.h"

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <utility>

#include "deliberation/tables.pb.h"
#include "projectors/deliberation/ballot_votes.h"
#include "projectors/deliberation/gate.h"
#include "projectors/deliberation/projection.h"

namespace sluice {
namespace {

using deliberation::Ballot;
using deliberation::ConversationStats;
using deliberation::OpinionStats;

math::Choice choice_of(deliberation::Choice choice) {
  switch (choice) {
    case deliberation::CHOICE_AGREE:
      return math::Choice::agree;
    case deliberation::CHOICE_DISAGREE:
      return math::Choice::disagree;
    default:  // pass: a ballot has no others
      return math::Choice::pass;
  }
}

struct Column {
  std::uint32_t number;
  std::string id;
  math::OpinionStatus status;
};

bool read_columns(const StateSnapshot& state, const std::string& conversation_id,
                  const std::stop_token& stop, std::vector<Column>& columns) {
  auto rows = StoredRows::below<OpinionStats>(state, conversation_id);
  while (const auto* row = static_cast<const OpinionStats*>(rows.next())) {
    if (stop.stop_requested()) return false;
    if (row->deleted()) continue;
    const bool moderated_out = row->moderation() != deliberation::MODERATION_NONE;
    columns.push_back({row->number(), row->opinion_id(), {moderated_out, row->is_meta()}});
  }
  std::ranges::sort(columns, {}, &Column::number);
  return true;
}

struct Voter {
  std::uint32_t number;
  std::string id;
  bool clustered;
  std::string votes;
};

bool read_voters(const StateSnapshot& state, const std::string& conversation_id,
                 const std::stop_token& stop, std::vector<Voter>& voters) {
  auto rows = StoredRows::below<Ballot>(state, conversation_id);
  while (const auto* row = static_cast<const Ballot*>(rows.next())) {
    if (stop.stop_requested()) return false;
    if (row->ineligible()) continue;
    voters.push_back({row->number(), row->participant_id(), row->clustered(), row->votes()});
  }
  std::ranges::sort(voters, {}, &Voter::number);
  return true;
}

}  // namespace

const Computed& Deliberation::computed() {
  static const Computed groups{
      *ConversationStats::descriptor(),
      [](const google::protobuf::Message& row) {
        const auto& stats = static_cast<const ConversationStats&>(row);
        return Demand{stats.conversation_id(), Offset{stats.math().changed_at()},
                      static_cast<std::uint64_t>(stats.total_vote_count()), importing(stats.gate()),
                      static_cast<std::uint64_t>(stats.math().changes())};
      },
      [](std::string_view key) -> std::unique_ptr<Computation> {
        return std::make_unique<OpinionGroups>(key);
      }};
  return groups;
}

namespace {

using ColumnsById = boost::unordered_flat_map<std::string_view, std::uint32_t>;

// Into `into`, as the participant who comes next.
void add_voter(const std::string& conversation_id, const Voter& voter, const ColumnsById& column_of,
               MathConversation& into) {
  const auto participant = static_cast<std::uint32_t>(into.participants.size());
  into.participants.push_back(voter.id);
  into.input.in_conv.push_back(voter.clustered);
  ballot_votes::Vote vote;
  for (std::size_t at = 0; ballot_votes::next(voter.votes, at, vote);) {
    const auto column = column_of.find(vote.opinion_id);
    if (column == column_of.end()) {
      throw Corrupt("a ballot of " + conversation_id + " has a vote on an opinion that is not");
    }
    into.input.votes.push_back({participant, column->second, choice_of(vote.choice)});
  }
}

}  // namespace

bool read_math_conversation(const StateSnapshot& state, const std::string& conversation_id,
                            const std::stop_token& stop, MathConversation& into) {
  std::vector<Column> columns;
  std::vector<Voter> voters;
  if (!read_columns(state, conversation_id, stop, columns) ||
      !read_voters(state, conversation_id, stop, voters)) {
    return false;
  }
  ColumnsById column_of;
  for (Column& column : columns) {
    column_of.emplace(column.id, static_cast<std::uint32_t>(column_of.size()));
    into.input.opinions.push_back(column.status);
  }
  for (const Voter& voter : voters) add_voter(conversation_id, voter, column_of, into);
  for (Column& column : columns) into.opinions.push_back(std::move(column.id));
  return true;
}

bool OpinionGroups::read(const StateSnapshot& state, const std::stop_token& stop) {
  return read_math_conversation(state, conversation_id_, stop, conversation_);
}

bool OpinionGroups::compute(const std::stop_token& stop) {
  std::optional<math::Snapshot> made = math::compute(conversation_.input, {.stop = stop});
  if (!made) return false;
  snapshot_ = std::move(*made);
  return true;
}

ComputedRows OpinionGroups::rows(const ComputedAt& at) {
  return math_rows(conversation_id_, conversation_, snapshot_, at);
}

}  // namespace sluice
