#include "projectors/deliberation/feed.h"

#include "projectors/deliberation/gate.h"

namespace sluice {
namespace {

using deliberation::Conversation;
using deliberation::ConversationStats;
using deliberation::Feed;

void copy_counters(const ConversationStats& stats, Feed& row) {
  if (stats.has_last_reacted_at()) row.set_last_reacted_at(stats.last_reacted_at());
  row.set_opinion_count(stats.opinion_count());
  row.set_vote_count(stats.vote_count());
  row.set_participant_count(stats.participant_count());
}

}  // namespace

void FeedRows::show(const Conversation& conversation, const ConversationStats& stats) {
  const std::string& id = conversation.conversation_id();
  if (!in_feed(stats.gate())) {
    if (rows_.find(id) != nullptr) rows_.erase(id);
    return;
  }
  Feed& row = rows_.edit(id);
  row.set_slug(conversation.slug());
  row.set_title(conversation.title());
  row.set_owner_id(conversation.owner_id());
  row.set_created_at(conversation.created_at());
  copy_counters(stats, row);
}

void FeedRows::count(const ConversationStats& stats) {
  if (in_feed(stats.gate())) copy_counters(stats, rows_.edit(stats.conversation_id()));
}

}  // namespace sluice
