#include "projectors/deliberation/voter_index.h"

namespace sluice {
namespace {

// A part this long is full. Each flush writes the growing part anew, half of this on average, and a
// full part is one row to read when an opinion is moderated.
constexpr std::size_t kPartBytes = 512;

}  // namespace

void VoterIndex::add(const std::string& conversation_id, const std::string& opinion_id,
                     std::string_view participant_id) {
  deliberation::Voters& growing = parts_.edit(conversation_id, opinion_id, std::uint32_t{0});
  std::string& ids = *growing.mutable_participant_ids();
  ids.append(participant_id).push_back('\n');
  if (ids.size() < kPartBytes) return;
  growing.set_full_parts(growing.full_parts() + 1);
  parts_.edit(conversation_id, opinion_id, growing.full_parts()).set_participant_ids(ids);
  ids.clear();
}

}  // namespace sluice
