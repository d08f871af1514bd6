#include <chrono>
#include <cstdio>
#include <memory>

#include "projectors/deliberation/math/document.h"
#include "storage/check.h"
#include "tools/import/polis_conversation.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/producer.h"

namespace sluice {
namespace {

struct Options {
  std::string folder;
  std::string sign = "ours";
};

Exit run_math(const Options& options, const Speech& speech) {
  const PolisExport from = read_polis_export(options.folder);
  const PolisConversation polis = polis_conversation(from);
  const auto snapshot = math::compute(polis.conversation, {.base_votes = true});
  CHECK(snapshot.has_value(), "nobody stops it");
  const math::Names names{polis.participants, polis.opinions};
  std::string out;
  if (options.sign == "polis") {
    math::write_polis_document(
        *snapshot, names, {.conversation_id = from.name, .last_vote_ms = polis.last_vote_ms}, out);
  } else {
    math::write_document(*snapshot, names, {}, out);
  }
  if (speech.json) print_line(out);
  return Exit::done;
}

}  // namespace

void add_math(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "math", "Opinion groups of a Polis export, computed as the projector computes them.",
      "sluice math exports/vtaiwan.uberx --json");
  command.argument("FOLDER", options->folder, "Folder of a Polis export");
  command.text("sign", options->sign, "Whose sign the document has: an agreement is +1, or -1")
      .one_of({"ours", "polis"});
  command.runs([options](const Speech& speech) { return run_math(*options, speech); });
}

}  // namespace sluice
