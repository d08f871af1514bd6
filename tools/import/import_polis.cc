#include <algorithm>
#include <cstdio>

#include "tools/import/imported.h"
#include "tools/import/importers.h"
#include "tools/import/polis_events.h"
#include "tools/import/polis_export.h"
#include "tools/import/polis_options.h"
#include "tools/sluice/client/producer.h"

namespace sluice {
namespace {

struct Options {
  ProducerOptions producer;
  std::string folder;
  std::string conversation_id;
  std::string agree;
};

void tell_of_shortened(const PolisExport& from) {
  constexpr std::size_t kTold = 10;
  const std::vector<std::string> all = shortened_texts(from);
  for (std::size_t i = 0; i < std::min(all.size(), kTold); ++i) {
    std::fprintf(stderr, "sluice import polis: %s\n", all[i].c_str());
  }
  if (all.size() > kTold) {
    std::fprintf(stderr, "sluice import polis: and %zu more texts\n", all.size() - kTold);
  }
}

Exit import_polis(const Options& options, const OutputForm& output) {
  const PolisExport from = read_polis_export(options.folder, agree_of(options.agree));
  tell_of_shortened(from);
  const std::string id = options.conversation_id.empty() ? from.name : options.conversation_id;
  const Imported imported{"deliberation", "conversation_id", id, polis_event_count(from),
                          [&](const auto& post) { polis_events(from, id, post); }};
  return post_imported(imported, options.producer, output);
}

}  // namespace

void add_import_polis(Command& import) {
  auto options = std::make_shared<Options>();
  options->producer.batch = 2000;
  Command command = import.command(
      "polis",
      "Make one conversation of a Polis export folder. Event ids are made of what the rows say: "
      "importing the same export again, also after a failure in the middle, changes nothing, and a "
      "later export of the same conversation adds what is new, once, as an import of its own. That "
      "holds for as long as ids are remembered (--dedupe-horizon of sluice up); later every vote "
      "is "
      "set once more, in the same order, to the same end.",
      "sluice import polis exports/brexit-consensus --http http://127.0.0.1:8080");
  add_producer_options(command, options->producer);
  command.argument("DIR", options->folder,
                   "Folder with comments.csv and votes.csv, participants-votes.csv or "
                   "participant-votes.csv; or with comments.json and votes.json of the API");
  command.text("conversation-id", options->conversation_id,
               "Id of the conversation, instead of the folder's name");
  add_agree_option(command, options->agree);
  command.runs([options](const OutputForm& output) { return import_polis(*options, output); });
}

}  // namespace sluice
