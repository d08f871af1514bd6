#include "tools/import/imported.h"

#include <iostream>

#include "tools/sluice/cli/json.h"
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
  print_line("{" + json_string(imported.id_name) + ":" + json_string(imported.id) + ",\"events\":" +
             std::to_string(poster.accepted()) + ",\"token\":" + json_string(poster.token()) + "}");
  return Exit::done;
}

}  // namespace sluice
