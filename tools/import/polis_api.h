#pragma once

#include <filesystem>

#include "tools/import/polis_export.h"

namespace sluice {

// A conversation as the public API of a Polis server answers: a folder of votes.json, comments.json
// and, where it was kept, conversation.json. Votes that the API hides, those of banned
// participants, may stand beside them in votes-missing.json. Ids are called pid and tid, or
// participant_id and statement_id. These files do not say which number agree is, and servers have
// answered both: without `agree` it is 1, where agree_count and disagree_count of the comments say
// the same. Misconfigured, with the file and the entry, when it is no such folder.
[[nodiscard]] PolisExport read_polis_api(const std::filesystem::path& folder, Agree agree);

}  // namespace sluice
