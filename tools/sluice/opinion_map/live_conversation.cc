#include "tools/sluice/opinion_map/live_conversation.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "storage/base/check.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

const std::string kSnapshot =
    "SELECT s.as_of, c.title, (SELECT coalesce((extract(epoch FROM max(b.last_voted_at)) * "
    "1000)::bigint, 0) "
    "FROM deliberation.ballot b WHERE b.conversation_id = $1) "
    "FROM deliberation.math_snapshot s JOIN deliberation.conversation c USING (conversation_id) "
    "WHERE conversation_id = $1";
// In row order, and whether they are clustered.
const std::string kParticipants =
    "SELECT r.id, (s.result -> 'in-conv') ? r.id "
    "FROM deliberation.math_snapshot s, "
    "jsonb_array_elements_text(s.result -> 'rows') WITH ORDINALITY AS r(id, place) "
    "WHERE s.conversation_id = $1 ORDER BY r.place";
// The snapshot's columns first, in their order; those that had no vote then behind them.
const std::string kOpinions =
    "SELECT o.opinion_id, o.moderation <> 'none', o.is_meta, o.body "
    "FROM deliberation.opinion o LEFT JOIN (deliberation.math_snapshot s "
    "CROSS JOIN LATERAL jsonb_array_elements_text(s.result -> 'tids') WITH ORDINALITY AS t(id, "
    "place)) "
    "ON s.conversation_id = o.conversation_id AND t.id = o.opinion_id "
    "WHERE o.conversation_id = $1 AND o.status = 'live' "
    "ORDER BY t.place, o.created_at, o.opinion_id";
const std::string kVotes =
    "SELECT participant_id, opinion_id, choice FROM deliberation.vote WHERE conversation_id = $1";

// Of a column that is never null.
const std::string& cell(const std::vector<std::optional<std::string>>& row, std::size_t column) {
  const std::optional<std::string>& value = row.at(column);
  CHECK(value.has_value(), "the query asks for no column that may be null");
  return value.value();
}

using Numbers = std::unordered_map<std::string, std::uint32_t>;

math::Choice choice_of(const std::string& word) {
  if (word == "agree") return math::Choice::agree;
  return word == "disagree" ? math::Choice::disagree : math::Choice::pass;
}

void read_participants(const Answer& answer, PolisConversation& into, Numbers& numbers) {
  for (const auto& row : answer.rows) {
    numbers.emplace(cell(row, 0), static_cast<std::uint32_t>(into.participants.size()));
    into.participants.push_back(cell(row, 0));
    into.conversation.in_conv.push_back(row[1] == "t");
  }
}

void read_opinions(const Answer& answer, PolisConversation& into, Numbers& numbers) {
  for (const auto& row : answer.rows) {
    numbers.emplace(cell(row, 0), static_cast<std::uint32_t>(into.opinions.size()));
    into.opinions.push_back(cell(row, 0));
    into.texts.push_back(cell(row, 3));
    into.conversation.opinions.push_back({row[1] == "t", row[2] == "t"});
  }
}

}  // namespace

LiveConversation read_live_conversation(Database& database, const std::string& conversation_id) {
  // One moment for all that is read.
  database.ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  const Answer snapshot = database.ask(kSnapshot, {conversation_id});
  if (snapshot.rows.empty()) {
    throw Misconfigured("conversation " + conversation_id +
                        " has no opinion groups: it is not there, has no votes yet, or is being "
                        "imported");
  }
  LiveConversation made;
  made.as_of = std::stoll(cell(snapshot.rows[0], 0));
  made.title = cell(snapshot.rows[0], 1);
  made.of.last_vote_ms = std::stoll(cell(snapshot.rows[0], 2));
  Numbers participants;
  Numbers opinions;
  read_participants(database.ask(kParticipants, {conversation_id}), made.of, participants);
  read_opinions(database.ask(kOpinions, {conversation_id}), made.of, opinions);
  for (const auto& row : database.ask(kVotes, {conversation_id}).rows) {
    const auto participant = participants.find(cell(row, 0));
    // Not eligible, or new since the snapshot.
    if (participant == participants.end()) continue;
    made.of.conversation.votes.push_back(
        {participant->second, opinions.at(cell(row, 1)), choice_of(cell(row, 2))});
  }
  database.ask("COMMIT");
  return made;
}

}  // namespace sluice
