#include "projectors/deliberation/notifications.h"

#include <algorithm>
#include <array>
#include <vector>

namespace sluice {
namespace {

using deliberation::Notification;
using deliberation::Opinion;
using deliberation::OpinionStats;

constexpr std::array<std::int64_t, 21> kMilestones{
    1,       5,       10,      25,        50,        100,       250,
    500,     1'000,   2'500,   5'000,     10'000,    25'000,    50'000,
    100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

// What the ids of a conversation's notifications begin with. No id contains a slash.
std::string beginning(const std::string& conversation_id) { return conversation_id + "/"; }

std::string id_of(const std::string& conversation_id, const std::string& opinion_id,
                  std::string_view what) {
  std::string id = beginning(conversation_id);
  id.append(opinion_id).append("/").append(what);
  return id;
}

}  // namespace

void Notifications::opinion_created(const std::string& recipient_id, const Opinion& opinion,
                                    Time at) {
  const std::string& conversation_id = opinion.conversation_id();
  Notification& row = notifications_.edit(
      recipient_id, id_of(conversation_id, opinion.opinion_id(), "opinion_created"));
  row.set_kind(deliberation::NOTIFICATION_KIND_OPINION_CREATED);
  row.set_conversation_id(conversation_id);
  row.set_opinion_id(opinion.opinion_id());
  row.set_count(1);
  row.set_created_at(at.time_since_epoch().count());
}

void Notifications::votes_passed(OpinionStats& opinion, std::int64_t before, Time at) {
  const std::int64_t now = votes_of_others(opinion);
  auto milestone = std::upper_bound(kMilestones.begin(), kMilestones.end(), before);
  for (; milestone != kMilestones.end() && *milestone <= now; ++milestone) {
    const std::uint32_t bit = 1U << (milestone - kMilestones.begin());
    if ((opinion.notified_milestones() & bit) != 0) continue;
    opinion.set_notified_milestones(opinion.notified_milestones() | bit);
    const std::string& conversation_id = opinion.conversation_id();
    Notification& row = notifications_.edit(opinion.author_id(),
                                            id_of(conversation_id, opinion.opinion_id(),
                                                  "opinion_votes/" + std::to_string(*milestone)));
    row.set_kind(deliberation::NOTIFICATION_KIND_OPINION_VOTES);
    row.set_conversation_id(conversation_id);
    row.set_opinion_id(opinion.opinion_id());
    row.set_count(*milestone);
    row.set_created_at(at.time_since_epoch().count());
  }
}

void Notifications::forget(const std::string& recipient_id, const std::string& conversation_id) {
  std::vector<std::string> ids;
  for (const Notification& row :
       notifications_.prefix(recipient_id, row_key::Begins{beginning(conversation_id)})) {
    ids.push_back(row.notification_id());
  }
  for (const std::string& id : ids) notifications_.erase(recipient_id, id);
}

void Notifications::move(const std::string& from, const std::string& into,
                         const std::string& conversation_id) {
  for (const Notification& row :
       notifications_.prefix(from, row_key::Begins{beginning(conversation_id)})) {
    Notification moved = row;
    moved.set_recipient_id(into);
    notifications_.edit(into, row.notification_id()) = std::move(moved);
  }
  forget(from, conversation_id);
}

}  // namespace sluice
