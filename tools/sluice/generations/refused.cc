#include "tools/sluice/generations/refused.h"

#include "storage/base/json_writer.h"
#include "tools/sluice/client/producer.h"

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

}  // namespace sluice
