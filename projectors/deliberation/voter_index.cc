#include "projectors/deliberation/voter_index.h"

namespace sluice {
namespace {

// Newer voters than this are a full part. Each flush writes what is not full anew with the
// counters, half of this on average; a full part is one row to read when the opinion is moderated.
constexpr std::size_t kPartBytes = 256;

}  // namespace

void VoterIndex::add(deliberation::OpinionStats& opinion, std::string_view participant_id) {
  std::string& ids = *opinion.mutable_voters();
  ids.append(participant_id).push_back('\n');
  if (ids.size() < kPartBytes) return;
  opinion.set_full_parts(opinion.full_parts() + 1);
  full_parts_.edit(opinion.conversation_id(), opinion.opinion_id(), opinion.full_parts())
      .set_participant_ids(ids);
  ids.clear();
}

}  // namespace sluice
