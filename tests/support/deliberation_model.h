#pragma once

// What deliberation's published rows must be, told from the list of admitted facts alone: every
// answer is worked out anew from sets, with no counter kept and no code shared with the fold.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deliberation/events.pb.h"
#include "deliberation/tables.pb.h"
#include "sluice/envelope.pb.h"

namespace sluice {

// One conversation.
class DeliberationModel {
 public:
  struct Posted {
    deliberation::Event event;
    Actor actor;
    std::int64_t recorded_at = 0;
    std::optional<std::int64_t> occurred_at;
  };

  // Of a ballot.
  struct Times {
    std::int64_t first;
    std::int64_t last;
  };

  // What holds after the admitted facts.
  struct Situation {
    const deliberation::ConversationCreated* created = nullptr;
    std::int64_t created_at = 0;
    bool closed = false;
    std::set<std::string> imports;
    std::map<std::string, deliberation::Opinion> opinions;
    std::string owner_id;
    // By participant: whoever has a ballot, and what stands on it by opinion.
    std::map<std::string, Times> voted;
    std::map<std::string, std::map<std::string, deliberation::Choice>> standing;
    std::vector<std::int64_t> reactions;
    std::set<std::string> removed;
    // Of whom the domain people has heard.
    std::set<std::string> told;
  };

  // The reason for which the fact must be rejected; "": it is admitted, and counts from now on.
  std::string_view post(const Posted& posted) {
    const std::string_view reason = refusal(situation(), posted);
    if (reason.empty()) admitted_.push_back(posted);
    return reason;
  }

  [[nodiscard]] Situation situation() const {
    Situation now;
    for (const Posted& posted : admitted_) apply(posted, now);
    return now;
  }

  static deliberation::ConversationStats stats(const Situation& now) {
    using namespace deliberation;
    std::set<std::string> opinions, moved, hidden, all_voters, voters;
    std::set<std::pair<std::string, std::string>> all_votes, votes;
    for (const auto& [id, opinion] : now.opinions) {
      if (opinion.moderation() == MODERATION_NONE) opinions.insert(id);
      if (opinion.moderation() == MODERATION_MOVE) moved.insert(id);
      if (opinion.moderation() == MODERATION_HIDE) hidden.insert(id);
    }
    for (const auto& [participant, ballot] : now.standing) {
      for (const auto& [opinion, choice] : ballot) {
        all_votes.emplace(participant, opinion);
        all_voters.insert(participant);
        if (!opinions.contains(opinion)) continue;
        votes.emplace(participant, opinion);
        voters.insert(participant);
      }
    }
    ConversationStats row;
    row.set_conversation_id(now.created->conversation_id());
    row.set_opinion_count(size(opinions));
    row.set_vote_count(size(votes));
    row.set_participant_count(size(voters));
    row.set_total_opinion_count(size(now.opinions));
    row.set_total_vote_count(size(all_votes));
    row.set_total_participant_count(size(all_voters));
    row.set_moderated_opinion_count(size(moved));
    row.set_hidden_opinion_count(size(hidden));
    if (!now.reactions.empty()) {
      row.set_last_reacted_at(*std::max_element(now.reactions.begin(), now.reactions.end()));
    }
    return row;
  }

  static deliberation::OpinionStats stats(const Situation& now, const std::string& opinion_id) {
    deliberation::OpinionStats row;
    row.set_conversation_id(now.created->conversation_id());
    row.set_opinion_id(opinion_id);
    const auto votes = [&](deliberation::Choice wanted) {
      return std::count_if(now.standing.begin(), now.standing.end(), [&](const auto& ballot) {
        const auto vote = ballot.second.find(opinion_id);
        return vote != ballot.second.end() && vote->second == wanted;
      });
    };
    row.set_agrees(votes(deliberation::CHOICE_AGREE));
    row.set_disagrees(votes(deliberation::CHOICE_DISAGREE));
    row.set_passes(votes(deliberation::CHOICE_PASS));
    return row;
  }

  // In the order of the opinions' ids.
  static std::string json(const std::map<std::string, deliberation::Choice>& votes) {
    std::string text;
    for (const auto& [opinion, choice] : votes) {
      const std::string name = deliberation::Choice_Name(choice);
      text += (text.empty() ? "{\"" : ",\"") + opinion + "\":\"";
      for (const char c : name.substr(name.find('_') + 1)) text += static_cast<char>(c - 'A' + 'a');
      text += '"';
    }
    return text.empty() ? text : text + '}';
  }

  static std::vector<deliberation::Ballot> ballots(const Situation& now) {
    std::vector<deliberation::Ballot> rows;
    for (const auto& [participant, times] : now.voted) {
      deliberation::Ballot& row = rows.emplace_back();
      row.set_conversation_id(now.created->conversation_id());
      row.set_participant_id(participant);
      row.set_first_voted_at(times.first);
      row.set_last_voted_at(times.last);
      if (const auto votes = now.standing.find(participant); votes != now.standing.end()) {
        row.set_votes(json(votes->second));
        row.set_vote_count(size(votes->second));
      }
    }
    return rows;
  }

 private:
  template <class Set>
  static std::int64_t size(const Set& set) {
    return static_cast<std::int64_t>(set.size());
  }

  static std::string_view refusal(const Situation& now, const Posted& posted) {
    using namespace deliberation;
    const Event& event = posted.event;
    if (event.has_conversation_created()) return now.created ? "conversation.exists" : "";
    if (!now.created) return "conversation.unknown";

    const bool service = posted.actor.role() == Actor::ROLE_SERVICE;
    const bool moderator = service || posted.actor.role() == Actor::ROLE_MODERATOR;
    const bool owner = posted.actor.id() != "" && posted.actor.id() == now.owner_id;
    if (event.has_opinion_created() || event.has_vote_set()) {
      if (now.closed) return "conversation.closed";
      if (now.removed.contains(event.has_vote_set() ? event.vote_set().participant_id()
                                                    : event.opinion_created().author_id())) {
        return "participant.removed";
      }
      const int needed = static_cast<int>(now.created->participation());
      const int level = service ? 2 : static_cast<int>(posted.actor.level());
      if (level < needed) {
        return needed == 1 ? "participation.account_required"
                           : "participation.verification_required";
      }
    }
    if (event.has_opinion_created()) {
      const auto& fact = event.opinion_created();
      const auto other = now.opinions.find(fact.opinion_id());
      if (other == now.opinions.end()) return "";
      const bool equal = other->second.author_id() == fact.author_id() &&
                         other->second.body() == fact.body() &&
                         other->second.is_seed() == fact.is_seed();
      return equal ? "" : "opinion.exists";
    }
    if (event.has_vote_set()) {
      return now.opinions.contains(event.vote_set().opinion_id()) ? "" : "opinion.unknown";
    }
    if (event.has_opinion_moderated() || event.has_opinion_marked_meta()) {
      const std::string& opinion = event.has_opinion_moderated()
                                       ? event.opinion_moderated().opinion_id()
                                       : event.opinion_marked_meta().opinion_id();
      if (!now.opinions.contains(opinion)) return "opinion.unknown";
      return moderator ? "" : "actor.not_allowed";
    }
    if (event.has_participant_removed() || event.has_participant_rekeyed()) {
      return service ? "" : "actor.not_allowed";
    }
    return moderator || owner ? "" : "actor.not_allowed";
  }

  static void apply(const Posted& posted, Situation& now) {
    using namespace deliberation;
    const Event& event = posted.event;
    const bool imported = !now.imports.empty() && posted.occurred_at.has_value() &&
                          *posted.occurred_at <= posted.recorded_at;
    const std::int64_t at = imported ? *posted.occurred_at : posted.recorded_at;
    if (event.has_conversation_created()) {
      now.created = &event.conversation_created();
      now.created_at = posted.recorded_at;
      now.owner_id = now.created->owner_id();
      now.told.insert(now.owner_id);
      for (const auto& seed : now.created->seeds()) {
        add(now, seed.opinion_id(), now.created->owner_id(), seed.body(), true, at);
      }
    }
    if (event.has_conversation_closed()) now.closed = true;
    if (event.has_conversation_reopened()) now.closed = false;
    if (event.has_import_started()) now.imports.insert(event.import_started().import_id());
    if (event.has_import_completed()) now.imports.erase(event.import_completed().import_id());
    if (event.has_opinion_moderated()) {
      const auto& fact = event.opinion_moderated();
      now.opinions[fact.opinion_id()].set_moderation(fact.state());
      now.opinions[fact.opinion_id()].set_moderation_reason(fact.reason());
    }
    if (event.has_opinion_marked_meta()) {
      const auto& fact = event.opinion_marked_meta();
      now.opinions[fact.opinion_id()].set_is_meta(fact.meta());
    }
    if (event.has_vote_set()) {
      const auto& fact = event.vote_set();
      now.reactions.push_back(at);
      vote(now, fact.participant_id(), fact.opinion_id(), fact.choice(), at);
      const bool takes_part = now.voted.contains(fact.participant_id());
      if (takes_part && now.imports.empty()) now.told.insert(fact.participant_id());
    }
    if (event.has_opinion_created()) {
      const auto& fact = event.opinion_created();
      if (now.opinions.contains(fact.opinion_id())) return;  // posted again
      now.reactions.push_back(at);
      add(now, fact.opinion_id(), fact.author_id(), fact.body(), fact.is_seed(), at);
      if (fact.auto_vote() && !fact.is_seed()) {
        vote(now, fact.author_id(), fact.opinion_id(), CHOICE_AGREE, at);
      }
      if (now.imports.empty()) now.told.insert(fact.author_id());
    }
    if (event.has_participant_removed()) forget(now, event.participant_removed().participant_id());
    if (event.has_participant_rekeyed()) rekey(now, event.participant_rekeyed());
  }

  static void forget(Situation& now, const std::string& participant) {
    now.removed.insert(participant);
    now.voted.erase(participant);
    now.standing.erase(participant);
    std::erase_if(now.opinions,
                  [&](const auto& opinion) { return opinion.second.author_id() == participant; });
    for (auto& [voter, votes] : now.standing) {
      std::erase_if(votes, [&](const auto& vote) { return !now.opinions.contains(vote.first); });
    }
  }

  static void rekey(Situation& now, const deliberation::ParticipantRekeyed& fact) {
    const std::string& from = fact.from();
    const std::string& into = fact.into();
    if (now.removed.contains(from)) return;
    if (now.removed.contains(into)) return forget(now, from);
    bool took_part = now.owner_id == from;
    if (took_part) now.owner_id = into;
    for (auto& [id, opinion] : now.opinions) {
      if (opinion.author_id() != from) continue;
      opinion.set_author_id(into);
      took_part = true;
    }
    if (const auto left = now.voted.find(from); left != now.voted.end()) {
      took_part = true;
      const auto held = now.voted.try_emplace(into, left->second).first;
      held->second.first = std::min(held->second.first, left->second.first);
      held->second.last = std::max(held->second.last, left->second.last);
      now.standing[into].merge(now.standing[from]);  // what `into` has stays
    }
    if (took_part) now.told.insert(into);
    forget(now, from);
  }

  static void add(Situation& now, const std::string& id, const std::string& author,
                  const std::string& body, bool seed, std::int64_t at) {
    deliberation::Opinion& row = now.opinions[id];
    row.set_conversation_id(now.created->conversation_id());
    row.set_opinion_id(id);
    row.set_author_id(author);
    row.set_body(body);
    row.set_is_seed(seed);
    row.set_created_at(at);
  }

  static void vote(Situation& now, const std::string& participant, const std::string& opinion,
                   deliberation::Choice choice, std::int64_t at) {
    const bool withdrawn = choice == deliberation::CHOICE_NONE;
    // A withdrawal before the first vote leaves no ballot, and no trace on a later one.
    if (withdrawn && !now.voted.contains(participant)) return;
    now.voted.try_emplace(participant, Times{at, at}).first->second.last = at;
    if (withdrawn) {
      now.standing[participant].erase(opinion);
    } else {
      now.standing[participant][opinion] = choice;
    }
  }

  std::vector<Posted> admitted_;
};

}  // namespace sluice
