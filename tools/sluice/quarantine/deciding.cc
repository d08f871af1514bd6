#include "tools/sluice/quarantine/deciding.h"

#include <chrono>
#include <limits>
#include <memory>
#include <optional>

#include "storage/base/errors.h"
#include "tools/sluice/asking/asking.h"
#include "tools/sluice/cli/file_text.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/quarantine/direct.h"
#include "tools/sluice/quarantine/edited_event.h"
#include "tools/sluice/quarantine/preview.h"
#include "tools/sluice/quarantine/request.h"
#include "tools/sluice/verification/same_log.h"

namespace sluice {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr std::size_t kWhyMost = 2000;  // bytes
// Of the file of an event, whose own limit is said once it is read.
constexpr std::size_t kFileMost = std::size_t{16} << 20;

struct Options {
  std::string postgres;
  LogOptions log;
  std::string domain;
  std::string key;
  std::int64_t partition = kNone;
  std::int64_t offset = kNone;
  std::string file;
  std::string why;
  bool dry_run = false;
};

QuarantineQuery query_of(const Options& options) {
  QuarantineQuery query{.projection = std::string(choose_domains({options.domain}).front().name),
                        .partition = std::nullopt,
                        .key = std::nullopt,
                        .offset = std::nullopt};
  if (options.partition != kNone) query.partition = Partition{static_cast<int>(options.partition)};
  if (!options.key.empty()) query.key = options.key;
  if (options.offset != kNone) query.offset = Offset{options.offset};
  return query;
}

bool has_log(const Options& options) {
  return !options.log.data.empty() || !options.log.brokers.empty();
}

QuarantineDecision decision_of(const Options& options, Verdict verdict,
                               const QuarantineQuery& query) {
  if (options.why.size() > kWhyMost) {
    throw Misconfigured("--why takes " + std::to_string(kWhyMost) + " bytes at most");
  }
  QuarantineDecision decision{
      .verdict = verdict, .projection = query.projection, .who = who_asks(), .why = options.why};
  if (verdict != Verdict::edit) return decision;
  decision.event = text_of_file(options.file, kFileMost);
  // What nobody would take is said before anybody is asked.
  (void)admitted_event(query.projection, query.key.value_or(""), decision.event);
  return decision;
}

void require_sound(const Options& options, Verdict verdict, const QuarantineQuery& query) {
  if (!has_log(options) && options.postgres.empty()) {
    throw Misconfigured(
        "give --postgres, to ask the sluice up that runs; or --data or --brokers while none does");
  }
  if (options.dry_run && options.postgres.empty()) {
    throw Misconfigured("--dry-run holds what a decision makes against the view: give --postgres");
  }
  if (verdict == Verdict::discard && !query.key && !(query.partition && query.offset)) {
    throw Misconfigured("which record? give --key and --offset, or --partition and --offset");
  }
}

std::string preview(const Options& options, QuarantineDecision decision, QuarantineQuery query) {
  PgConnection postgres(options.postgres);
  const QuarantinedPlace place = find_decided(postgres, decision.verdict, query);
  if (!has_log(options)) {
    query.partition = place.partition;
    return request_preview(postgres, decision, query, kAnswerPatience);
  }
  const auto log = look_at_log(options.log);
  require_same_log(options.postgres, decision.projection, *log, "quarantine");
  locate(decision, place);
  return preview_of({options.postgres, options.log.data, *log}, decision, place);
}

std::string token_of(const Options& options, const QuarantineDecision& decision,
                     const QuarantineQuery& query) {
  if (has_log(options)) return decide_directly(options.log, options.postgres, decision, query);
  PgConnection postgres(options.postgres);
  (void)find_decided(postgres, decision.verdict, query);
  return request_decision(postgres, decision, query, kAnswerPatience);
}

Exit decide(const Options& options, Verdict verdict) {
  const QuarantineQuery query = query_of(options);
  require_sound(options, verdict, query);
  const QuarantineDecision decision = decision_of(options, verdict, query);
  if (options.dry_run) {
    print_line(preview(options, decision, query));
  } else {
    print_line("{\"token\":\"" + token_of(options, decision, query) + "\"}");
  }
  return Exit::done;
}

Command make_command(Command& quarantine, Verdict verdict) {
  switch (verdict) {
    case Verdict::release:
      return quarantine.command(
          "release",
          "Fold what waits under a key, in order, as far as it can be folded. Wait for the token "
          "that it prints: what is then still listed could not be folded",
          "sluice quarantine release --domain deliberation --key c1 --why mended --postgres "
          "postgresql://...");
    case Verdict::discard:
      return quarantine.command("discard",
                                "Drop one record for good; what waited behind it is then folded",
                                "sluice quarantine discard --domain deliberation --key c1 "
                                "--offset 812 --why test --postgres postgresql://...");
    case Verdict::edit:
      break;
  }
  return quarantine.command(
      "edit",
      "Put an event of the same key in the place of a record that waits, checked as a post is. "
      "What waits under the key is then folded, in order, as far as it can be. Where the record "
      "can be read the event takes its id",
      "sluice quarantine edit --domain deliberation --key c1 --offset 812 --file event.json --why "
      "misspelt --postgres postgresql://...");
}

void add_record(Command& command, Options& options, Verdict verdict) {
  // A record may have none.
  command.text("key", options.key, "The key whose records wait, such as a conversation").or_empty();
  if (verdict != Verdict::discard) command.required();
  if (verdict == Verdict::release) {
    command.number(
        "offset", options.offset, 0, kNone,
        "The `position` of the first of them in the list, when its bytes have aged out: it is read "
        "from the log again");
    return;
  }
  const bool edits = verdict == Verdict::edit;
  command
      .number("offset", options.offset, edits ? 0 : -kNone, kNone,
              edits ? "The record's `position` in the list"
                    : "The record's `position` in the list; below 0: a timer that failed")
      .required();
  if (edits) command.text("file", options.file, "The event: a CloudEvent in JSON").required();
}

void add_decision(Command& quarantine, Verdict verdict) {
  auto options = std::make_shared<Options>();
  Command command = make_command(quarantine, verdict);
  command.text("postgres", options->postgres,
               "URL of Postgres, as `sluice up` prints it: a process that projects is asked there");
  add_log_options(command, options->log);
  command.text("domain", options->domain, "Whose quarantine").required();
  command.number("partition", options->partition, 0, 1'000'000,
                 "The record's partition, where it is not the key's own: it was misrouted");
  add_record(command, *options, verdict);
  command.text("why", options->why,
               "The reason, for people: it stands in sluice.decision for good");
  if (verdict == Verdict::edit) command.required();
  command.flag("dry-run", options->dry_run,
               "Show how the rows that readers see would differ, and change nothing");
  command.runs([options, verdict](const OutputForm&) { return decide(*options, verdict); });
}

}  // namespace

void add_decisions(Command& quarantine) {
  for (const Verdict verdict : {Verdict::release, Verdict::discard, Verdict::edit}) {
    add_decision(quarantine, verdict);
  }
}

}  // namespace sluice
