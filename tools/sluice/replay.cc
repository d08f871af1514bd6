#include <simdjson.h>
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <limits>

#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/base/partitioner.h"
#include "tools/sluice/asking/asking.h"
#include "tools/sluice/cli/shortened.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/replay/as_of.h"
#include "tools/sluice/replay/key_history.h"
#include "tools/sluice/replay/replayed_key.h"
#include "tools/sluice/replay/report.h"
#include "tools/sluice/replay/viewed_key.h"
#include "tools/sluice/verification/same_log.h"

namespace sluice {
namespace {

struct Options {
  std::string domain;
  std::string key;
  std::string postgres;
  LogOptions log;
  std::string as_of;
  bool trace = false;
  bool diff = false;
  bool repair = false;
  std::uint64_t memory = std::uint64_t{512} << 20;
};

// Of one run of the command.
class Replay {
 public:
  Replay(const Options& options, const Domain& domain, const Projection& projection, Log& log,
         Generation generation)
      : options_(options),
        domain_(domain),
        log_(log),
        generation_(std::move(generation)),
        place_{projection, generation_, partition_of(options.key, generation_.partitions),
               options.key},
        as_of_(read_as_of(options.as_of, options.postgres)),
        viewed_(place_, {options.postgres, options.log.data, log, options.memory}) {}

  [[nodiscard]] Exit run() {
    if (options_.repair) repair();
    const KeyHistory history = viewed_.find_history(as_of_.time);
    PartitionRecords records(log_, stream_of(domain_.name), place_.partition);
    report_.as_of = cut(history, records);
    Postings postings = history.postings;
    std::erase_if(postings, [&](const Posting& p) { return p.offset >= report_.as_of; });
    ReplayedKey replayed(place_);
    KeyTrace* const trace = options_.trace ? &viewed_.rows().trace() : nullptr;
    replayed.fold(postings, records, trace);
    if (options_.diff || options_.repair) {
      viewed_.begin_comparison(replayed, records, trace);
      report_.as_of = viewed_.view().position;
    } else {
      viewed_.rows().begin_snapshot();
    }
    tell(history, replayed);
    print_line(json_of(report_));
    return report_.differences && !report_.differences->empty() ? Exit::found : Exit::done;
  }

 private:
  // Has the owner repair it, and waits until the view shows what that made of it.
  void repair() {
    const Question question{
        .kind = "key.repair",
        .projection = generation_.projection,
        .partition = place_.partition,
        .argument = JsonWriter().begin_object().field("key", options_.key).end_object().take()};
    PgConnection asking(options_.postgres);
    const std::string answer = require_answer(
        ask_processes(asking, {question}).front(),
        "no process that has partition " + std::to_string(place_.partition.value) + " of " +
            generation_.projection +
            " answered within 10 s, and none will: start sluice up or sluice project");
    report_.token = token_of(answer);
    Database database(options_.postgres);
    database.ask("SET statement_timeout = 0");
    const Answer reached =
        database.ask("SELECT sluice.wait_for($1, interval '25 s')", {*report_.token});
    if (reached.rows.at(0).at(0) == "t") return;
    throw Misconfigured("the view does not reach " + *report_.token +
                        ": sluice status says what stands in the way; the key is repaired as soon "
                        "as it does");
  }

  [[nodiscard]] static std::string token_of(const std::string& answer) {
    simdjson::dom::parser parser;
    const simdjson::dom::element said = parser.parse(answer);
    std::string_view text;
    if (said["token"].get(text) == simdjson::SUCCESS) return std::string(text);
    throw Misconfigured("the request was answered with " + answer + ", which has no token");
  }

  // The position up to which is folded.
  [[nodiscard]] Offset cut(const KeyHistory& history, PartitionRecords& records) const {
    if (as_of_.offset) {
      if (*as_of_.offset <= viewed_.view().position) return *as_of_.offset;
      throw Misconfigured("--as-of " + options_.as_of +
                          " is beyond what the view shows of partition " +
                          std::to_string(place_.partition.value) + ", which is at " +
                          std::to_string(viewed_.view().position.value) +
                          ": give an offset up to that, or wait for it (sluice wait)");
    }
    if (!as_of_.time) return viewed_.view().position;
    return position_as_of(*as_of_.time, history, place_, viewed_.view().position, records);
  }

  void tell(const KeyHistory& history, ReplayedKey& replayed) {
    report_.key = options_.key;
    report_.partition = place_.partition;
    report_.records = replayed.records();
    report_.index = history.index;
    report_.rejections = replayed.rejections();
    if (options_.diff || options_.repair) {
      report_.differences = viewed_.differences(domain_, replayed);
    }
    for (const auto* table : tables_of_keys(domain_)) {
      if (!report_.differences) replayed.expect(*table, viewed_.rows());
      report_.tables[table_name(*table)] = viewed_.rows().expected(*table);
    }
    if (options_.trace) tell_steps(replayed);
    if (report_.records == 0) {
      std::fprintf(stderr,
                   "sluice replay: no record of the key \"%s\" is in partition %d of %s%s\n",
                   shortened(options_.key, kWordMost).c_str(), place_.partition.value,
                   std::string(stream_of(domain_.name)).c_str(),
                   options_.as_of.empty() ? "" : " before that");
    }
    if (replayed.by_other_rules()) {
      std::fprintf(stderr, "sluice replay: %s\n",
                   told_of_other_rules(generation_.projection).c_str());
    }
    if (report_.as_of < viewed_.view().position) {
      std::fputs("sluice replay: shown as the log had it then: also what a deletion took later\n",
                 stderr);
    }
  }

  void tell_steps(const ReplayedKey& replayed) {
    report_.steps = replayed.steps();
    for (const auto* table : tables_of_keys(domain_)) {
      const auto changes = viewed_.rows().trace().changes(*table);
      report_.changes.insert(report_.changes.end(), changes.begin(), changes.end());
    }
    std::ranges::stable_sort(report_.changes, {}, &KeyChange::step);
  }

  const Options& options_;
  const Domain& domain_;
  Log& log_;
  const Generation generation_;
  const KeyPlace place_;
  const AsOf as_of_;
  ViewedKey viewed_;
  ReplayReport report_;
};

void require_sound(const Options& options) {
  if (options.repair && !simdjson::validate_utf8(options.key.data(), options.key.size())) {
    throw Misconfigured("--key is no UTF-8, so that no row is of it: nothing is to be repaired");
  }
  if ((options.diff || options.repair) && !options.as_of.empty()) {
    throw Misconfigured(std::string(options.diff ? "--diff" : "--repair") +
                        " is about what the view has now, and --as-of asks for another time: give "
                        "one of them");
  }
}

Exit replay(const Options& options) {
  require_sound(options);
  const Domain domain = choose_domains({options.domain}).front();
  const std::vector<Projection> projections = projections_of({&domain, 1});
  if (projections.empty()) throw Misconfigured(options.domain + " has no projection");
  const auto log = look_at_log(options.log);
  require_same_log(options.postgres, std::string(domain.name), *log, "replay");
  Generation generation = own_live_generation(options.postgres, projections.front());
  if (options.repair && !generation.key_index) {
    throw CommandRefused("no_index",
                         "the generation that readers see has no index of keys, by which its owner "
                         "folds one alone: sluice rebuild " +
                             std::string(domain.name) + " makes one that has");
  }
  return Replay(options, domain, projections.front(), *log, std::move(generation)).run();
}

}  // namespace

void add_replay(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "replay",
      "Fold one key alone, by the records that the index names: its rows now or at an earlier "
      "position, what each record changed (--trace), and whether the rows that readers see are "
      "those (--diff; exit 1 when they differ). Tables that are computed, or of a whole partition, "
      "are left out. Without an index of keys the whole partition is read: \"index\":false.",
      "sluice replay deliberation --key c1 --diff --postgres postgresql://... --data DIR");
  command.argument("DOMAIN", options->domain, "Whose rules and log");
  command.text("key", options->key, "What the log is partitioned by, such as a conversation")
      .required();
  add_postgres_option(command, options->postgres);
  add_log_options(command, options->log);
  command.text("as-of", options->as_of,
               "After the records below this offset, or up to the last before the partition's time "
               "passed this one, such as 2026-01-31T12:00:00Z; what the view shows when not given");
  command.flag("trace", options->trace,
               "Tell of each record, and of timers, what it changed, or why nothing");
  command.flag("diff", options->diff, "Hold the rows that readers see against these");
  command.flag("repair", options->repair,
               "Have the owner of the partition correct its state's rows of the key and those that "
               "readers see, then hold them against each other: exit 0 when they are equal");
  command.bytes("memory", options->memory, kLeastMemory,
                "For folding a whole partition, where there is no index");
  command.runs([options](const OutputForm&) { return replay(*options); });
}

}  // namespace sluice
