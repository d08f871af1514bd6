#include <simdjson.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/asking/asking.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/client/rfc3339.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/snapshots/folder.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string domain;
  std::string postgres;
  std::string folder;
  std::int64_t keep = 0;
  std::chrono::milliseconds older = Pruning().older;
};

// Of the live generations, and of others that somebody folds.
std::vector<Question> questions_of(PgConnection& postgres, const Options& options) {
  if (!options.domain.empty()) (void)choose_domains({options.domain});
  const std::string to = fs::absolute(options.folder).lexically_normal().string();
  const std::string argument = JsonWriter().begin_object().field("to", to).end_object().take();
  const PgResult found = postgres.run(
      "SELECT g.projection, g.generation, n.partition FROM sluice.projection g "
      "CROSS JOIN LATERAL generate_series(0, g.partitions - 1) AS n(partition) "
      "LEFT JOIN sluice.heartbeat h USING (projection, generation, partition) "
      "WHERE ($1 = '' OR projection = $1) AND status NOT IN ('failed', 'retired') "
      "AND (g.live OR NOT h.released AND h.seen_at > now() - interval '10 seconds') "
      "ORDER BY 1, 2, 3",
      {options.domain});
  std::vector<Question> questions;
  for (int row = 0; row < found.rows(); ++row) {
    questions.push_back({.kind = "snapshot.create",
                         .projection = std::string(found.text(row, 0)),
                         .generation = static_cast<int>(found.number(row, 1)),
                         .partition = Partition{static_cast<int>(found.number(row, 2))},
                         .argument = argument});
  }
  return questions;
}

std::string in_words(const Question& question) {
  return question.projection + " generation " + std::to_string(question.generation.value_or(0)) +
         " partition " + std::to_string(question.partition.value_or(Partition{}).value);
}

// Of a partition that has folded nothing, which has no snapshot: "".
std::string snapshot_in(const Question& question, const std::optional<std::string>& answer) {
  const std::string made = require_answer(
      answer,
      "no process that owns " + in_words(question) +
          " answered within 10 s, and none will: sluice status says who has it; start sluice up or "
          "sluice project",
      in_words(question));
  simdjson::dom::parser parser;
  const simdjson::dom::element said = parser.parse(made);
  simdjson::dom::element snapshot;
  if (said["snapshot"].get(snapshot) != simdjson::SUCCESS || snapshot.is_null()) return {};
  return simdjson::minify(snapshot);
}

Exit create(const Options& options) {
  PgConnection postgres(options.postgres);
  const std::vector<Question> questions = questions_of(postgres, options);
  if (questions.empty()) {
    throw Misconfigured(
        "this database has no projection to make a snapshot of: sluice schema "
        "apply or sluice up makes them");
  }
  const auto answers = ask_processes(postgres, questions);
  // Before the others, which are unfinished for that.
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (!answers[i]) (void)snapshot_in(questions[i], answers[i]);
  }
  JsonWriter json;
  json.begin_object().name("snapshots").begin_array();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const std::string snapshot = snapshot_in(questions[i], answers[i]);
    if (!snapshot.empty()) json.json(snapshot);
  }
  print_line(json.end_array().end_object().take());
  return Exit::done;
}

std::vector<FoundSnapshot> found_in(const Options& options) {
  const fs::path folder = fs::absolute(options.folder).lexically_normal();
  return find_snapshots(folder);
}

// Bytes whose file the snapshot before has, too.
std::uint64_t linked(const FoundSnapshot& snapshot, const FoundSnapshot* before) {
  std::uint64_t bytes = 0;
  if (before == nullptr || before->place != snapshot.place || !before->says) return bytes;
  for (const SnapshotFile& file : snapshot.says->files) {
    std::error_code failed;
    if (before->says->file(file.name) == nullptr) continue;
    if (fs::equivalent(snapshot.path / file.name, before->path / file.name, failed)) {
      bytes += file.bytes;
    }
  }
  return bytes;
}

Exit list(const Options& options) {
  const std::vector<FoundSnapshot> found = found_in(options);
  JsonWriter json;
  json.begin_object().name("snapshots").begin_array();
  for (std::size_t i = 0; i < found.size(); ++i) {
    const FoundSnapshot& each = found[i];
    if (!each.says || each.fault) {
      std::fprintf(stderr, "%s is no whole snapshot: sluice snapshot prune takes it away\n",
                   each.path.c_str());
      continue;
    }
    const SnapshotDescription& says = *each.says;
    json.begin_object().field("projection", says.projection);
    json.field("generation", says.generation).field("partition", says.partition.value);
    json.field("version", says.version).field("position", says.position.value);
    json.field("bytes", says.bytes());
    json.field("linked", linked(each, i + 1 < found.size() ? &found[i + 1] : nullptr));
    json.name("seconds").real(says.seconds).field("path", each.path.string());
    json.field("made_at", rfc3339(says.made_at.time_since_epoch().count())).end_object();
  }
  print_line(json.end_array().end_object().take());
  return Exit::done;
}

Exit verify(const Options& options) {
  const std::vector<FoundSnapshot> found = found_in(options);
  JsonWriter json;
  json.begin_object().field("snapshots", found.size()).name("faults").begin_array();
  bool any = false;
  for (const FoundSnapshot& each : found) {
    for (const FaultyFile& faulty : verify_snapshot(each)) {
      json.begin_object().field("path", faulty.path.string()).field("fault", faulty.fault);
      json.end_object();
      any = true;
    }
  }
  print_line(json.end_array().end_object().take());
  return any ? Exit::found : Exit::done;
}

Exit prune(const Options& options) {
  using std::chrono::milliseconds;
  const Pruning pruning{.keep = static_cast<std::size_t>(options.keep), .older = options.older};
  const Time now = std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  const Pruned pruned = prune_snapshots(found_in(options), pruning, now);
  print_line(JsonWriter()
                 .begin_object()
                 .field("kept", pruned.kept)
                 .field("removed", pruned.removed)
                 .end_object()
                 .take());
  return Exit::done;
}

using Action = Exit (*)(const Options&);

Command add(Command& snapshot, const std::shared_ptr<Options>& options, const char* name,
            const char* help, const char* example, Action action) {
  Command command = snapshot.command(name, help, example);
  command.text("from", options->folder, "The folder of the snapshots").required();
  command.runs([options, action](const OutputForm&) { return action(*options); });
  return command;
}

}  // namespace

void add_snapshot(Command& root) {
  auto options = std::make_shared<Options>();
  Command snapshot = root.command(
      "snapshot",
      "Copies of the state of partitions, from which a projector that lost its own begins",
      "sluice snapshot create --postgres postgresql://... --to /backup/snapshots");
  Command creates = snapshot.command(
      "create",
      "Have the processes that own the partitions make one of each, on their machine, while they "
      "fold on. Files that the one before has are linked",
      "sluice snapshot create deliberation --postgres postgresql://... --to /backup/snapshots");
  creates.argument("DOMAIN", options->domain, "Whose partitions; all when not given").optional();
  add_postgres_option(creates, options->postgres);
  creates.text("to", options->folder, "A folder of the machine that has the partition; made there")
      .required();
  creates.runs([options](const OutputForm&) { return create(*options); });
  add(snapshot, options, "list", "Which there are, by partition and newest first",
      "sluice snapshot list --from /backup/snapshots", list);
  add(snapshot, options, "verify",
      "Read all of them and compare every file with its checksum; exit 1 when one is not as it "
      "was made",
      "sluice snapshot verify --from /backup/snapshots", verify);
  Command prunes = add(snapshot, options, "prune",
                       "Remove those that are not whole, beyond the newest of each partition, or "
                       "too old: they hold what was erased since",
                       "sluice snapshot prune --from /backup/snapshots --keep 3", prune);
  prunes
      .number("keep", options->keep, 1, std::numeric_limits<std::int32_t>::max(),
              "How many of each partition stay, at most")
      .required();
  prunes.duration("older", options->older, std::chrono::milliseconds(0),
                  "Those of such an age go, however few there are");
}

}  // namespace sluice
