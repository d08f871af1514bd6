#include "tools/import/imported.h"
#include "tools/import/polis_export.h"
#include "tools/sluice/client/producer.h"

namespace sluice {
namespace {

struct Options {
  ProducerOptions producer;
  std::string folder;
  std::string conversation_id;
};

Exit import_polis(const Options& options, const OutputForm& output) {
  const PolisExport from = read_polis_export(options.folder);
  const std::string id = options.conversation_id.empty() ? from.name : options.conversation_id;
  const Imported imported{"deliberation", "conversation_id", id, polis_event_count(from),
                          [&](const auto& post) { polis_events(from, id, post); }};
  return post_imported(imported, options.producer, output);
}

}  // namespace

void add_import_polis(Command& import) {
  auto options = std::make_shared<Options>();
  options->producer.batch = 2000;
  Command command =
      import.command("polis",
                     "Make one conversation of a Polis export folder. Importing again, also after "
                     "a failure in the "
                     "middle, changes nothing that is there.",
                     "sluice import polis exports/brexit-consensus --http http://127.0.0.1:8080");
  add_producer_options(command, options->producer);
  command.argument("DIR", options->folder,
                   "Folder with comments.csv and votes.csv or participants-votes.csv");
  command.text("conversation-id", options->conversation_id,
               "Id of the conversation, instead of the folder's name");
  command.runs([options](const OutputForm& output) { return import_polis(*options, output); });
}

}  // namespace sluice
