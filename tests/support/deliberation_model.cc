#include "tests/support/deliberation_model.h"

#include <algorithm>

namespace sluice {
namespace {

using namespace deliberation;
using Posted = DeliberationModel::Posted;
using Situation = DeliberationModel::Situation;

// The participant of a fact by which somebody takes part.
const std::string* taking_part(const Event& event) {
  if (event.has_vote_set()) return &event.vote_set().participant_id();
  if (event.has_opinion_created()) return &event.opinion_created().author_id();
  return nullptr;
}

// The opinion of a fact about one that there must be.
const std::string* concerned_opinion(const Event& event) {
  if (event.has_vote_set()) return &event.vote_set().opinion_id();
  if (event.has_opinion_deleted()) return &event.opinion_deleted().opinion_id();
  if (event.has_opinion_moderated()) return &event.opinion_moderated().opinion_id();
  if (event.has_opinion_marked_meta()) return &event.opinion_marked_meta().opinion_id();
  return nullptr;
}

std::string_view refused_at_the_gate(const Situation& now, const Posted& posted) {
  const std::string* participant = taking_part(posted.event);
  if (participant == nullptr) return "";
  if (now.locked) return "conversation.locked";
  if (now.closed) return "conversation.closed";
  if (now.removed.contains(*participant)) return "participant.removed";
  const int needed = static_cast<int>(now.conversation->participation());
  const bool service = posted.actor.role() == Actor::ROLE_SERVICE;
  if (service || static_cast<int>(posted.actor.level()) >= needed) return "";
  return needed == 1 ? "participation.account_required" : "participation.verification_required";
}

// Who may say the fact, besides services.
bool allowed(const Situation& now, const Posted& posted) {
  const Event& event = posted.event;
  const std::string& actor = posted.actor.id();
  if (posted.actor.role() == Actor::ROLE_SERVICE || taking_part(event) != nullptr) return true;
  if (event.has_participant_removed() || event.has_participant_rekeyed()) return false;
  if (posted.actor.role() == Actor::ROLE_MODERATOR) return true;
  if (event.has_opinion_deleted()) {
    return !actor.empty() &&
           now.opinions.at(event.opinion_deleted().opinion_id()).author_id() == actor;
  }
  const bool owners = event.has_conversation_edited() || event.has_conversation_closed() ||
                      event.has_conversation_reopened() || event.has_conversation_deleted() ||
                      event.has_import_started() || event.has_import_completed();
  return owners && !actor.empty() && now.conversation->owner_id() == actor;
}

bool equal(const Opinion& opinion, const OpinionCreated& fact) {
  return opinion.author_id() == fact.author_id() && opinion.body() == fact.body() &&
         opinion.is_seed() == fact.is_seed();
}

std::string_view refusal(const Situation& now, const Posted& posted) {
  const Event& event = posted.event;
  if (event.has_conversation_created()) return now.conversation ? "conversation.exists" : "";
  if (!now.conversation) return "conversation.unknown";
  const bool of_a_deleted_one = event.has_conversation_deleted() ||
                                event.has_participant_removed() || event.has_participant_rekeyed();
  if (now.deleted && !of_a_deleted_one) return "conversation.deleted";
  if (const auto reason = refused_at_the_gate(now, posted); !reason.empty()) return reason;
  if (event.has_opinion_created()) {
    const auto other = now.opinions.find(event.opinion_created().opinion_id());
    const bool other_one =
        other != now.opinions.end() && !equal(other->second, event.opinion_created());
    return other_one ? "opinion.exists" : "";
  }
  const std::string* opinion = concerned_opinion(event);
  if (opinion != nullptr && !now.opinions.contains(*opinion)) return "opinion.unknown";
  if (!allowed(now, posted)) return "actor.not_allowed";
  if (opinion != nullptr && !now.live(*opinion) && !event.has_opinion_deleted()) {
    return "opinion.deleted";
  }
  return "";
}

// A fact's effect on what holds.
class Change {
 public:
  Change(const Posted& posted, Situation& now)
      : event_(posted.event), now_(now), recorded_at_(posted.recorded_at), at_(posted.recorded_at) {
    const bool counts = now.importing() && posted.occurred_at.has_value();
    if (counts && *posted.occurred_at <= posted.recorded_at) at_ = *posted.occurred_at;
  }

  void apply() {
    if (event_.has_conversation_created()) create();
    if (event_.has_conversation_edited()) edit();
    if (event_.has_conversation_closed()) now_.closed = true;
    if (event_.has_conversation_reopened()) now_.closed = false;
    if (event_.has_conversation_locked()) now_.locked = true;
    if (event_.has_conversation_unlocked()) now_.locked = false;
    if (event_.has_conversation_deleted()) {
      now_.deleted = true;
      for (auto& [id, opinion] : now_.opinions) opinion.set_status(OPINION_STATUS_DELETED);
    }
    if (event_.has_opinion_created()) write();
    if (event_.has_opinion_deleted()) {
      now_.opinions[event_.opinion_deleted().opinion_id()].set_status(OPINION_STATUS_DELETED);
    }
    if (event_.has_opinion_moderated()) {
      const auto& fact = event_.opinion_moderated();
      now_.opinions[fact.opinion_id()].set_moderation(fact.state());
      now_.opinions[fact.opinion_id()].set_moderation_reason(fact.reason());
    }
    if (event_.has_opinion_marked_meta()) {
      const auto& fact = event_.opinion_marked_meta();
      now_.opinions[fact.opinion_id()].set_is_meta(fact.meta());
    }
    if (event_.has_vote_set()) vote();
    if (event_.has_participant_eligibility_set()) {
      const auto& fact = event_.participant_eligibility_set();
      now_.ineligible.erase(fact.participant_id());
      if (!fact.eligible()) now_.ineligible.insert(fact.participant_id());
    }
    if (event_.has_participant_removed()) forget(event_.participant_removed().participant_id());
    if (event_.has_participant_rekeyed()) rekey();
    imports();
    drop_votes_on_what_is_gone();
  }

 private:
  void create() {
    const auto& fact = event_.conversation_created();
    Conversation& row = now_.conversation.emplace();
    row.set_conversation_id(fact.conversation_id());
    row.set_slug(fact.slug());
    row.set_owner_id(fact.owner_id());
    row.set_title(fact.title());
    row.set_body(fact.body());
    row.set_kind(fact.kind());
    row.set_indexed(fact.indexed());
    row.set_participation(fact.participation());
    row.set_created_at(at_);
    now_.told.insert(fact.owner_id());
    for (const auto& seed : fact.seeds())
      add(seed.opinion_id(), fact.owner_id(), seed.body(), true);
  }

  void edit() {
    const auto& fact = event_.conversation_edited();
    Conversation& row = *now_.conversation;
    const std::string before = row.SerializeAsString();
    if (fact.has_title()) row.set_title(fact.title());
    if (fact.has_body()) row.set_body(fact.body());
    if (fact.has_indexed()) row.set_indexed(fact.indexed());
    if (fact.has_participation()) row.set_participation(fact.participation());
    if (row.SerializeAsString() != before) row.set_edited_at(at_);
  }

  void add(const std::string& id, const std::string& author, const std::string& body, bool seed) {
    Opinion& row = now_.opinions[id];
    row.set_conversation_id(now_.conversation->conversation_id());
    row.set_opinion_id(id);
    row.set_author_id(author);
    row.set_body(body);
    row.set_is_seed(seed);
    row.set_created_at(at_);
  }

  void write() {
    const auto& fact = event_.opinion_created();
    if (now_.opinions.contains(fact.opinion_id())) return;  // posted again
    now_.reactions.push_back(at_);
    add(fact.opinion_id(), fact.author_id(), fact.body(), fact.is_seed());
    if (fact.auto_vote() && !fact.is_seed()) {
      set(fact.author_id(), fact.opinion_id(), CHOICE_AGREE);
    }
    if (now_.importing()) return;
    now_.told.insert(fact.author_id());
    const std::string& owner = now_.conversation->owner_id();
    if (fact.is_seed() || owner == fact.author_id() || now_.removed.contains(owner)) return;
    notify(owner, fact.opinion_id(), NOTIFICATION_KIND_OPINION_CREATED, 1, "opinion_created");
  }

  void vote() {
    const auto& fact = event_.vote_set();
    const auto before = others(fact.opinion_id());
    now_.reactions.push_back(at_);
    set(fact.participant_id(), fact.opinion_id(), fact.choice());
    if (now_.importing()) return;
    if (now_.voted.contains(fact.participant_id())) now_.told.insert(fact.participant_id());
    const auto after = others(fact.opinion_id());
    for (const std::int64_t first : {1, 10, 100, 1000, 10'000, 100'000, 1'000'000, 10'000'000}) {
      for (const std::int64_t milestone : {first, first * 5 / 2, first * 5}) {
        if (milestone == 2 || milestone > 10'000'000) continue;
        if (before >= milestone || milestone > after) continue;
        if (!now_.milestones.emplace(fact.opinion_id(), milestone).second) continue;
        notify(now_.opinions[fact.opinion_id()].author_id(), fact.opinion_id(),
               NOTIFICATION_KIND_OPINION_VOTES, milestone,
               "opinion_votes/" + std::to_string(milestone));
      }
    }
  }

  // How many besides its author agree or disagree with an opinion.
  std::int64_t others(const std::string& opinion) {
    return std::count_if(now_.standing.begin(), now_.standing.end(), [&](const auto& ballot) {
      const auto vote = ballot.second.find(opinion);
      return ballot.first != now_.opinions[opinion].author_id() && vote != ballot.second.end() &&
             vote->second != CHOICE_PASS;
    });
  }

  void set(const std::string& participant, const std::string& opinion, Choice choice) {
    const bool withdrawn = choice == CHOICE_NONE;
    // A withdrawal before the first vote leaves no ballot, and no trace on a later one.
    if (withdrawn && !now_.voted.contains(participant)) return;
    now_.voted.try_emplace(participant, DeliberationModel::Times{at_, at_}).first->second.last =
        at_;
    if (withdrawn) {
      now_.standing[participant].erase(opinion);
    } else {
      now_.standing[participant][opinion] = choice;
    }
  }

  void notify(const std::string& recipient, const std::string& opinion, NotificationKind kind,
              std::int64_t count, const std::string& what) {
    const std::string& id = now_.conversation->conversation_id();
    Notification row;
    row.set_recipient_id(recipient);
    row.set_notification_id(id + "/" + opinion + "/" + what);
    row.set_kind(kind);
    row.set_conversation_id(id);
    row.set_opinion_id(opinion);
    row.set_count(count);
    row.set_created_at(at_);
    now_.notifications[{recipient, row.notification_id()}] = row;
  }

  void forget(const std::string& participant) {
    if (!now_.removed.insert(participant).second) return;
    now_.voted.erase(participant);
    now_.standing.erase(participant);
    std::erase_if(now_.notifications,
                  [&](const auto& row) { return row.first.first == participant; });
    std::erase_if(now_.milestones, [&](const auto& reached) {
      return now_.opinions[reached.first].author_id() == participant;
    });
    std::erase_if(now_.opinions,
                  [&](const auto& opinion) { return opinion.second.author_id() == participant; });
  }

  void rekey() {
    const std::string& from = event_.participant_rekeyed().from();
    const std::string& into = event_.participant_rekeyed().into();
    if (now_.removed.contains(from)) return;
    if (now_.removed.contains(into)) return forget(from);
    bool took_part = now_.conversation->owner_id() == from;
    if (took_part) now_.conversation->set_owner_id(into);
    for (auto& [id, opinion] : now_.opinions) {
      if (opinion.author_id() != from) continue;
      opinion.set_author_id(into);
      took_part = true;
    }
    if (const auto left = now_.voted.find(from); left != now_.voted.end()) {
      took_part = true;
      const auto held = now_.voted.try_emplace(into, left->second).first;
      held->second.first = std::min(held->second.first, left->second.first);
      held->second.last = std::max(held->second.last, left->second.last);
      now_.standing[into].merge(now_.standing[from]);  // what `into` has stays
    }
    for (const auto& [key, row] : std::map(now_.notifications)) {
      if (key.first != from) continue;
      Notification& moved = now_.notifications[{into, key.second}] = row;
      moved.set_recipient_id(into);
    }
    if (took_part) now_.told.insert(into);
    forget(from);
  }

  void imports() {
    if (event_.has_import_started()) {
      const auto& fact = event_.import_started();
      Import& row = now_.imports[fact.import_id()];
      if (row.has_started_at() && !row.has_completed_at()) return;
      row.Clear();
      row.set_conversation_id(fact.conversation_id());
      row.set_import_id(fact.import_id());
      if (fact.has_total()) row.set_total(fact.total());
      row.set_started_at(recorded_at_);
    } else if (event_.has_import_completed()) {
      const auto row = now_.imports.find(event_.import_completed().import_id());
      if (row == now_.imports.end() || row->second.has_completed_at()) return;
      row->second.set_completed_at(recorded_at_);
    } else {
      for (auto& [id, row] : now_.imports) {
        if (!row.has_completed_at()) row.set_done(row.done() + 1);
      }
    }
  }

  void drop_votes_on_what_is_gone() {
    for (auto& [voter, votes] : now_.standing) {
      std::erase_if(votes, [&](const auto& vote) { return !now_.live(vote.first); });
    }
  }

  const Event& event_;
  Situation& now_;
  const std::int64_t recorded_at_;
  std::int64_t at_;
};

}  // namespace

bool DeliberationModel::Situation::importing() const {
  return std::any_of(imports.begin(), imports.end(),
                     [](const auto& row) { return !row.second.has_completed_at(); });
}

bool DeliberationModel::Situation::live(const std::string& opinion_id) const {
  const auto found = opinions.find(opinion_id);
  return found != opinions.end() && found->second.status() == OPINION_STATUS_LIVE;
}

std::string_view DeliberationModel::post(const Posted& posted) {
  const std::string_view reason = refusal(now_, posted);
  if (reason.empty()) Change(posted, now_).apply();
  return reason;
}

}  // namespace sluice
