#include <algorithm>
#include <iostream>

#include "tools/import/polis_export.h"
#include "tools/sluice/json.h"
#include "tools/sluice/poster.h"
#include "tools/sluice/producer.h"
#include "tools/sluice/progress.h"

namespace sluice {
namespace {

struct Options {
  ProducerOptions producer;
  std::string folder;
  std::string conversation_id;
};

Exit import_polis(const Options& options, const Speech& speech) {
  const PolisExport from = read_polis_export(options.folder);
  const std::string id = options.conversation_id.empty() ? from.name : options.conversation_id;
  HttpClient client(options.producer.http, options.producer.api_key, options.producer.timeout);
  Poster poster(client, "deliberation", options.producer.retry_for);
  poster.batch(static_cast<std::size_t>(options.producer.batch));
  Progress progress(speech.progress, "events", polis_event_count(from));
  try {
    polis_events(from, id, [&](const std::string& event, std::string origin) {
      poster.add(event, std::move(origin));
      progress.advance(1);
    });
    poster.flush();
  } catch (const Refused& error) {
    std::cerr << "sluice import: " << error.what() << "\n";
    return Exit::found;
  }
  print_line("{\"conversation_id\":" + json_string(id) + ",\"events\":" +
             std::to_string(poster.accepted()) + ",\"token\":" + json_string(poster.token()) + "}");
  return Exit::done;
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
  command.runs([options](const Speech& speech) { return import_polis(*options, speech); });
}

}  // namespace sluice
