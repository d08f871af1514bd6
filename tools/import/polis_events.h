#pragma once

// A Polis export as CloudEvents of the domain deliberation.

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "tools/import/polis_export.h"

namespace sluice {

// Called with each event, and where in the export it comes from.
using PostEvent = std::function<void(const std::string& event, std::string origin)>;

// The events in the order in which they must be posted: the conversation, then an import that holds
// every comment, vote and decision of a moderator. Event ids are made of content: the comment's id;
// voter, comment and time of a vote (voter, comment and choice where the export has no times). Of
// rows that agree in these the second is numbered 2, and so on, in the order of the file. So an
// export that has grown adds what is new, once. The import and what moderators decided belong to
// the export as a whole: their ids change with anything in it. Misconfigured when `conversation_id`
// is no id.
void polis_events(const PolisExport& from, const std::string& conversation_id,
                  const PostEvent& post);

// What of the export's texts does not go into the events, since it is longer than a text there may
// be: where it stands, how long it is, how much is kept. For people, a line each.
[[nodiscard]] std::vector<std::string> shortened_texts(const PolisExport& from);

// How many events that is.
[[nodiscard]] std::size_t polis_event_count(const PolisExport& from);

}  // namespace sluice
