#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>

#include "projectors/deliberation/math/document.h"
#include "storage/check.h"
#include "storage/errors.h"
#include "tools/import/polis_conversation.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/math_map.h"
#include "tools/sluice/math_report.h"
#include "tools/sluice/producer.h"

namespace sluice {
namespace {

struct Options {
  std::string folder;
  std::string sign = "ours";
  std::string plot;
};

// With what each stage took.
math::Snapshot compute_timed(const math::Conversation& conversation, StageTimes& times) {
  using std::chrono::steady_clock;
  auto begun = steady_clock::now();
  auto snapshot = math::compute(conversation, {.base_votes = true, .done = [&](math::Stage stage) {
                                                 const auto now = steady_clock::now();
                                                 times.emplace_back(stage, now - begun);
                                                 begun = now;
                                               }});
  CHECK(snapshot.has_value(), "nobody stops it");
  return std::move(*snapshot);
}

void write_map(const DescribedSnapshot& described, const std::string& path) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << opinion_map(described) << std::flush;
  if (!file)
    throw Misconfigured("--plot " + path +
                        " cannot be written: choose a file in a folder "
                        "that is there");
  std::fprintf(stderr, "The map is in %s: open it with a browser.\n", path.c_str());
}

Exit run_math(const Options& options, const Speech& speech) {
  const PolisExport from = read_polis_export(options.folder);
  const PolisConversation polis = polis_conversation(from);
  StageTimes times;
  const math::Snapshot snapshot = compute_timed(polis.conversation, times);
  const DescribedSnapshot described{snapshot, from.topic.empty() ? from.name : from.topic,
                                    polis.participants, polis.opinions, polis.texts};
  if (!options.plot.empty()) write_map(described, options.plot);
  if (!speech.json) {
    std::printf("%s\nTime\n%s", math_report(described).c_str(), timing_report(times).c_str());
    return Exit::done;
  }
  std::fputs(timing_report(times).c_str(), stderr);
  const math::Names names{polis.participants, polis.opinions};
  std::string out;
  if (options.sign == "polis") {
    math::write_polis_document(
        snapshot, names, {.conversation_id = from.name, .last_vote_ms = polis.last_vote_ms}, out);
  } else {
    math::write_document(snapshot, names, {}, out);
  }
  print_line(out);
  return Exit::done;
}

}  // namespace

void add_math(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "math", "Opinion groups of a Polis export, computed as the projector computes them.",
      "sluice math exports/vtaiwan.uberx --plot map.svg");
  command.argument("FOLDER", options->folder, "Folder of a Polis export");
  command.text("sign", options->sign, "Whose sign the document has: an agreement is +1, or -1")
      .one_of({"ours", "polis"});
  command.text("plot", options->plot, "File that gets the opinion map, an SVG picture");
  command.runs([options](const Speech& speech) { return run_math(*options, speech); });
}

}  // namespace sluice
