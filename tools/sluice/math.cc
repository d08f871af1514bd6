#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>

#include "projectors/deliberation/math/document.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "tools/import/polis_conversation.h"
#include "tools/import/polis_options.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/opinion_map/live_conversation.h"
#include "tools/sluice/opinion_map/math_map.h"
#include "tools/sluice/opinion_map/math_report.h"

namespace sluice {
namespace {

struct Options {
  std::string folder;
  std::string conversation;
  std::string postgres;
  std::string agree;
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

// What is computed: an export, or a live conversation.
struct Source {
  PolisConversation of;
  std::string title;
  math::PolisFields fields;
};

Source read_source(const Options& options) {
  if (options.folder.empty() == options.conversation.empty()) {
    throw Misconfigured("either a FOLDER or a --conversation; see sluice math --help");
  }
  if (options.conversation.empty()) {
    const PolisExport from = read_polis_export(options.folder, agree_of(options.agree));
    PolisConversation of = polis_conversation(from);
    const std::int64_t last_vote_ms = of.last_vote_ms;
    return {std::move(of),
            from.topic.empty() ? from.name : from.topic,
            {.conversation_id = from.name, .last_vote_ms = last_vote_ms}};
  }
  if (options.postgres.empty()) throw Misconfigured("--conversation needs --postgres URL");
  Database database(options.postgres);
  LiveConversation live = read_live_conversation(database, options.conversation);
  const std::int64_t last_vote_ms = live.of.last_vote_ms;
  return {
      std::move(live.of),
      live.title.empty() ? options.conversation : live.title,
      {.conversation_id = options.conversation, .tick = live.as_of, .last_vote_ms = last_vote_ms}};
}

Exit run_math(const Options& options, const OutputForm& output) {
  const Source source = read_source(options);
  StageTimes times;
  const math::Snapshot snapshot = compute_timed(source.of.conversation, times);
  const DescribedSnapshot described{snapshot, source.title, source.of.participants,
                                    source.of.opinions, source.of.texts};
  if (!options.plot.empty()) write_map(described, options.plot);
  if (!output.json) {
    std::printf("%s\nTime\n%s", math_report(described).c_str(), timing_report(times).c_str());
    return Exit::done;
  }
  std::fputs(timing_report(times).c_str(), stderr);
  const math::Names names{source.of.participants, source.of.opinions};
  std::string out;
  if (options.sign == "polis") {
    math::write_polis_document(snapshot, names, source.fields, out);
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
      "math",
      "Opinion groups of a Polis export, or of a live conversation, computed as the projector "
      "computes them.",
      "sluice math exports/vtaiwan.uberx --plot map.svg");
  command.argument("FOLDER", options->folder, "Folder of a Polis export").optional();
  command.text("conversation", options->conversation, "Id of a live conversation instead");
  command.text("postgres", options->postgres, "URL of its Postgres, as `sluice up` prints it");
  add_agree_option(command, options->agree);
  command.text("sign", options->sign, "Whose sign the document has: an agreement is +1, or -1")
      .one_of({"ours", "polis"});
  command.text("plot", options->plot, "File that gets the opinion map, an SVG picture");
  command.runs([options](const OutputForm& output) { return run_math(*options, output); });
}

}  // namespace sluice
