#include "tools/import/polis_conversation.h"

#include <algorithm>
#include <map>

#include "projectors/deliberation/math/ballots.h"

namespace sluice {

PolisConversation polis_conversation(const PolisExport& from) {
  struct Statement {
    math::OpinionStatus status;
    std::string text;
  };
  // Votes may be on statements that the export does not list.
  std::map<std::int64_t, Statement> statements;
  for (const PolisVote& vote : from.votes) statements[vote.comment];
  for (const PolisComment& comment : from.comments) {
    statements[comment.id] = {{comment.moderated_out(), comment.is_meta.value_or(false)},
                              comment.body};
  }

  PolisConversation made;
  std::vector<math::OpinionStatus> status;
  std::map<std::int64_t, std::uint32_t> number_of;
  for (const auto& [id, statement] : statements) {
    number_of[id] = static_cast<std::uint32_t>(status.size());
    status.push_back(statement.status);
    made.opinions.push_back(std::to_string(id));
    made.texts.push_back(statement.text);
  }
  math::Ballots ballots(std::move(status));
  for (const PolisVote& vote : from.votes) {
    ballots.cast(static_cast<std::uint64_t>(vote.voter), number_of[vote.comment],
                 static_cast<math::Choice>(vote.choice));
    made.last_vote_ms = std::max(made.last_vote_ms, vote.time.value_or(0));
  }
  made.conversation = ballots.conversation();
  for (const std::uint64_t voter : ballots.voters()) {
    made.participants.push_back(std::to_string(static_cast<std::int64_t>(voter)));
  }
  return made;
}

}  // namespace sluice
