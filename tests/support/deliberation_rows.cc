#include <algorithm>

#include "tests/support/deliberation_model.h"

namespace sluice {
namespace {

using namespace deliberation;
using Situation = DeliberationModel::Situation;

template <class Set>
std::int64_t count_of(const Set& set) {
  return static_cast<std::int64_t>(set.size());
}

ConversationStats stats(const Situation& now) {
  std::set<std::string> live, opinions, moved, hidden, all_voters, voters;
  std::set<std::pair<std::string, std::string>> all_votes, votes;
  for (const auto& [id, opinion] : now.opinions) {
    if (!now.live(id)) continue;
    live.insert(id);
    if (opinion.moderation() == MODERATION_NONE) opinions.insert(id);
    if (opinion.moderation() == MODERATION_MOVE) moved.insert(id);
    if (opinion.moderation() == MODERATION_HIDE) hidden.insert(id);
  }
  for (const auto& [participant, ballot] : now.standing) {
    for (const auto& [opinion, choice] : ballot) {
      all_votes.emplace(participant, opinion);
      all_voters.insert(participant);
      if (!opinions.contains(opinion) || now.ineligible.contains(participant)) continue;
      votes.emplace(participant, opinion);
      voters.insert(participant);
    }
  }
  ConversationStats row;
  row.set_conversation_id(now.conversation->conversation_id());
  row.set_opinion_count(count_of(opinions));
  row.set_vote_count(count_of(votes));
  row.set_participant_count(count_of(voters));
  row.set_total_opinion_count(count_of(live));
  row.set_total_vote_count(count_of(all_votes));
  row.set_total_participant_count(count_of(all_voters));
  row.set_moderated_opinion_count(count_of(moved));
  row.set_hidden_opinion_count(count_of(hidden));
  if (!now.reactions.empty()) {
    row.set_last_reacted_at(*std::max_element(now.reactions.begin(), now.reactions.end()));
  }
  return row;
}

OpinionStats stats(const Situation& now, const std::string& opinion_id) {
  OpinionStats row;
  row.set_conversation_id(now.conversation->conversation_id());
  row.set_opinion_id(opinion_id);
  const auto votes = [&](Choice wanted) {
    return std::count_if(now.standing.begin(), now.standing.end(), [&](const auto& ballot) {
      const auto vote = ballot.second.find(opinion_id);
      return vote != ballot.second.end() && vote->second == wanted;
    });
  };
  row.set_agrees(votes(CHOICE_AGREE));
  row.set_disagrees(votes(CHOICE_DISAGREE));
  row.set_passes(votes(CHOICE_PASS));
  return row;
}

// In the order of the opinions' ids.
std::string json(const std::map<std::string, Choice>& votes) {
  std::string text;
  for (const auto& [opinion, choice] : votes) {
    const std::string name = Choice_Name(choice);
    text += (text.empty() ? "{\"" : ",\"") + opinion + "\":\"";
    for (const char c : name.substr(name.find('_') + 1)) text += static_cast<char>(c - 'A' + 'a');
    text += '"';
  }
  return text.empty() ? text : text + '}';
}

Ballot ballot(const Situation& now, const std::string& participant,
              const DeliberationModel::Times& times) {
  Ballot row;
  row.set_conversation_id(now.conversation->conversation_id());
  row.set_participant_id(participant);
  row.set_first_voted_at(times.first);
  row.set_last_voted_at(times.last);
  if (const auto votes = now.standing.find(participant); votes != now.standing.end()) {
    row.set_votes(json(votes->second));
    row.set_vote_count(count_of(votes->second));
  }
  return row;
}

Conversation conversation(const Situation& now) {
  Conversation row = *now.conversation;
  row.set_status(now.deleted  ? CONVERSATION_STATUS_DELETED
                 : now.locked ? CONVERSATION_STATUS_LOCKED
                 : now.closed ? CONVERSATION_STATUS_CLOSED
                              : CONVERSATION_STATUS_OPEN);
  return row;
}

Feed feed(const Conversation& conversation, const ConversationStats& counters) {
  Feed row;
  row.set_conversation_id(conversation.conversation_id());
  row.set_slug(conversation.slug());
  row.set_title(conversation.title());
  row.set_owner_id(conversation.owner_id());
  row.set_created_at(conversation.created_at());
  if (counters.has_last_reacted_at()) row.set_last_reacted_at(counters.last_reacted_at());
  row.set_opinion_count(counters.opinion_count());
  row.set_vote_count(counters.vote_count());
  row.set_participant_count(counters.participant_count());
  return row;
}

}  // namespace

DeliberationModel::Rows DeliberationModel::rows() const {
  const Situation& now = now_;
  Rows rows;
  if (!now.conversation) return rows;
  rows.conversation.push_back(conversation(now));
  rows.conversation_stats.push_back(stats(now));
  for (const auto& [id, opinion] : now.opinions) {
    rows.opinion.push_back(opinion);
    rows.opinion_stats.push_back(stats(now, id));
  }
  for (const auto& [participant, times] : now.voted) {
    rows.ballot.push_back(ballot(now, participant, times));
  }
  for (const auto& [key, row] : now.notifications) rows.notification.push_back(row);
  if (now.conversation->indexed() && !now.locked && !now.deleted) {
    rows.feed.push_back(feed(rows.conversation.front(), rows.conversation_stats.front()));
  }
  for (const auto& [id, row] : now.imports) rows.import.push_back(row);
  return rows;
}

}  // namespace sluice
