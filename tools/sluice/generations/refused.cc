#include "tools/sluice/generations/refused.h"

#include <cstdio>

#include "storage/base/json_writer.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/generations/comparison_json.h"

namespace sluice {

Exit print_refused(const GenerationRefusal& refusal) {
  print_line(JsonWriter()
                 .begin_object()
                 .field("refused", refusal.word)
                 .field("reason", refusal.reason)
                 .end_object()
                 .take());
  return Exit::found;
}

Exit print_promoted(const char* command, const Promoted& promoted) {
  if (const auto* refused = std::get_if<GenerationRefusal>(&promoted)) {
    return print_refused(*refused);
  }
  const Promotion& done = std::get<Promotion>(promoted);
  for (const GenerationRefusal& left : done.left) {
    std::fprintf(stderr, "sluice %s: %s\n", command, left.reason.c_str());
  }
  JsonWriter json;
  json.begin_object().field("live", done.live).field("was", done.was);
  print_line(json.name("positions").json(json_of(done.positions)).end_object().take());
  return Exit::done;
}

}  // namespace sluice
