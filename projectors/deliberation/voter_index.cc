#include "projectors/deliberation/voter_index.h"

#include <utility>

namespace sluice {
namespace {

// Newer voters than this are a full part. Each flush writes what is not full anew with the
// counters, half of this on average; a full part is one row to read when the opinion is moderated.
constexpr std::size_t kPartBytes = 256;

}  // namespace

void VoterIndex::add(deliberation::OpinionStats& opinion, std::string_view participant_id) {
  std::string& ids = *opinion.mutable_voters();
  id_lines::add(ids, participant_id);
  if (ids.size() < kPartBytes) return;
  opinion.set_full_parts(opinion.full_parts() + 1);
  full_parts_.edit(opinion.conversation_id(), opinion.opinion_id(), opinion.full_parts())
      .set_participant_ids(ids);
  ids.clear();
}

void VoterIndex::remove(deliberation::OpinionStats& opinion, std::string_view participant_id) {
  if (id_lines::take_out(*opinion.mutable_voters(), participant_id)) return;
  for (std::uint32_t number = 1; number <= opinion.full_parts(); ++number) {
    const auto* part = full_parts_.find(opinion.conversation_id(), opinion.opinion_id(), number);
    std::string ids = part->participant_ids();
    if (!id_lines::take_out(ids, participant_id)) continue;
    full_parts_.edit(opinion.conversation_id(), opinion.opinion_id(), number)
        .set_participant_ids(std::move(ids));
    return;
  }
}

void VoterIndex::erase(deliberation::OpinionStats& opinion) {
  for (std::uint32_t number = 1; number <= opinion.full_parts(); ++number) {
    full_parts_.erase(opinion.conversation_id(), opinion.opinion_id(), number);
  }
  opinion.clear_full_parts();
  opinion.clear_voters();
}

}  // namespace sluice
