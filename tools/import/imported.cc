#include "tools/import/imported.h"

#include <iostream>

#include "storage/base/json_writer.h"
#include "tools/sluice/cli/progress.h"
#include "tools/sluice/client/poster.h"

namespace sluice {

Exit post_imported(const Imported& imported, const ProducerOptions& options,
                   const OutputForm& output) {
  HttpClient client(options.http, options.api_key, options.timeout);
  Poster poster(client, imported.domain, options.retry_for);
  poster.batch(static_cast<std::size_t>(options.batch));
  Progress progress(output.progress, "events", imported.count);
  try {
    imported.events([&](const std::string& event, std::string origin) {
      poster.add(event, std::move(origin));
      progress.advance(1);
    });
    poster.flush();
  } catch (const Refused& error) {
    std::cerr << "sluice import: " << error.what() << "\n";
    return Exit::found;
  }
  JsonWriter json;
  json.begin_object().field(imported.id_name, imported.id).field("events", poster.accepted());
  print_line(json.field("token", poster.token()).end_object().take());
  return Exit::done;
}

}  // namespace sluice
