#include "projectors/deliberation/math/snapshot.h"

#include <array>

#include "projectors/deliberation/math/priority.h"
#include "storage/base/check.h"

namespace sluice::math {
namespace {

void describe_rows(const Conversation& conversation, const VoteMatrix& votes, Snapshot& into) {
  into.participant_numbers = votes.participant_numbers();
  into.opinion_numbers = votes.opinion_numbers();
  into.votes = votes.votes();
  for (const Participant p : each<Participant>(votes.participants())) {
    into.vote_counts.push_back(static_cast<std::uint32_t>(votes.row(p).size()));
    if (conversation.in_conv[votes.participant_numbers()[p]]) into.in_conv.push_back(p);
  }
}

void find_components(const VoteMatrix& votes, const Request& request, Snapshot& into) {
  into.components = principal_components(centered(votes, into.counts, into.center, into.status),
                                         votes.opinions(), request.stop);
}

void compute_statistics(Snapshot& into) {
  into.representatives = representatives(into.group_votes, into.status);
  into.consensus = find_consensus(into.counts, into.status);
  into.group_aware_consensus = find_group_aware_consensus(into.group_votes);
  into.priorities = priorities(into.group_votes, into.opinions.extremity, into.status);
  into.participant_stats = participant_stats(into.participants, into.base, into.groupings.chosen());
}

}  // namespace

std::string_view name_of(Stage stage) {
  constexpr std::array<std::string_view, 8> kNames{"matrix",      "center",        "components",
                                                   "projections", "base clusters", "groups",
                                                   "counts",      "statistics"};
  return kNames[static_cast<std::size_t>(stage)];
}

std::optional<Snapshot> compute(const Conversation& conversation, const Request& request) {
  const auto stopped_after = [&](Stage stage) {
    if (request.done) request.done(stage);
    return request.stop.stop_requested();
  };
  Snapshot made;
  const VoteMatrix votes(conversation);
  describe_rows(conversation, votes, made);
  if (stopped_after(Stage::matrix)) return std::nullopt;

  made.status = status_of_columns(conversation, votes);
  made.counts = count_votes(votes);
  made.center = center_of(made.counts, made.status);
  if (stopped_after(Stage::center)) return std::nullopt;

  find_components(votes, request, made);
  if (stopped_after(Stage::components)) return std::nullopt;

  made.participants = project_participants(votes, made.center, made.status, made.components);
  made.opinions = project_opinions(made.center, made.components);
  if (stopped_after(Stage::projections)) return std::nullopt;

  made.base = cluster_participants(made.in_conv, made.participants);
  if (stopped_after(Stage::base_clusters)) return std::nullopt;

  made.groupings = group(made.base);
  if (stopped_after(Stage::groups)) return std::nullopt;

  made.group_votes = count_group_votes(votes, made.base, made.groupings.chosen());
  if (request.base_votes) made.base_votes = count_base_votes(votes, made.base);
  if (stopped_after(Stage::counts)) return std::nullopt;

  compute_statistics(made);
  if (stopped_after(Stage::statistics)) return std::nullopt;
  return made;
}

Snapshot compute(const Conversation& conversation) {
  std::optional<Snapshot> made = compute(conversation, Request{});
  CHECK(made.has_value(), "only a request ends it before the last stage");
  return *std::move(made);
}

}  // namespace sluice::math
