#include <chrono>
#include <cstdio>
#include <limits>

#include "sluice/envelope.pb.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "tools/sluice/client/event_line.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/data_folder.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/verification/logged_record.h"

namespace sluice {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();

struct Options {
  std::string postgres;
  LogOptions log;
  std::string domain;
  std::string key;
  std::int64_t partition = 0;
  std::int64_t offset = kNone;
};

Exit list(const Options& options, const OutputForm& output) {
  const Answer answer =
      Database(options.postgres)
          .ask(
              "SELECT projection, partition, position, key, reason, length(bytes) AS size, "
              "bytes IS NULL AS aged_out "
              "FROM sluice.quarantine ORDER BY projection, partition, position");
  if (output.json) {
    print_line(answer.json());
  } else {
    std::fputs(answer.table().c_str(), stdout);
  }
  return answer.rows.empty() ? Exit::done : Exit::found;
}

Exit show(const Options& options) {
  const Answer answer =
      Database(options.postgres)
          .ask(
              "SELECT projection, partition, position, key, reason, encode(bytes, 'base64') AS "
              "value "
              "FROM sluice.quarantine WHERE projection = $1 AND partition = $2::int AND position = "
              "$3::bigint",
              {options.domain, std::to_string(options.partition), std::to_string(options.offset)});
  if (answer.rows.empty())
    throw Misconfigured("nothing is in quarantine there: sluice quarantine list says what is");
  print_line(answer.json());
  return Exit::done;
}

// Of a record whose bytes have aged out: from the log again.
void give_bytes(Log& log, const RecordPlace& place, Envelope& release) {
  const LoggedRecord record = logged_record(log, place);
  Envelope envelope;
  const bool says_key = record.key.empty() && envelope.ParseFromString(record.value);
  if ((says_key ? envelope.key() : record.key) != release.key()) {
    throw Misconfigured("the record at " + std::to_string(place.offset.value) +
                        " is of another key: sluice quarantine list says which");
  }
  release.mutable_control()->mutable_release()->set_offset(place.offset.value);
  release.mutable_control()->mutable_release()->set_value(record.value);
}

// The decision is a record of the partition's own log, so that a replay repeats it.
Exit decide(const Options& options, bool discard) {
  const Domain domain = choose_domains({options.domain}).front();
  const std::string stream = stream_of(domain.name);
  std::optional<DataFolder> folder;
  if (!options.log.data.empty()) folder.emplace(options.log.data);
  const auto log = options.log.data.empty()
                       ? look_at_log(options.log)
                       : own_embedded_log(options.log.data, std::uint64_t{32} << 20);
  const auto partitions = log->topology()->partitions(stream);
  if (!partitions) throw Misconfigured("there is no stream " + stream + ": is this the right log?");
  const Partition partition = partition_of(options.key, *partitions);

  Envelope envelope;
  envelope.set_id(random_id());
  envelope.set_domain(std::string(domain.name));
  envelope.set_key(options.key);
  envelope.set_source("sluice/quarantine");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  envelope.set_recorded_at(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  if (discard) {
    envelope.mutable_control()->mutable_discard()->set_offset(options.offset);
  } else {
    envelope.mutable_control()->mutable_release();
    if (options.offset != kNone) {
      give_bytes(*log, {stream, partition, Offset{options.offset}}, envelope);
    }
  }
  const std::string value = envelope.SerializeAsString();
  NewRecord record{.partition = partition, .key = options.key, .value = value};
  log->writer()->append(stream, {&record, 1});
  print_line("{\"token\":\"" + std::string(domain.name) + ":" +
             std::to_string(record.partition.value) + "@" +
             std::to_string(record.offset.next().value) + "\"}");
  return Exit::done;
}

void add_decision(Command& quarantine, const std::shared_ptr<Options>& options, bool discard) {
  Command command =
      discard ? quarantine.command("discard",
                                   "Drop one record for good; what waited behind it is then folded",
                                   "sluice quarantine discard --domain deliberation --key c1 "
                                   "--offset 812 --brokers localhost:9092")
              : quarantine.command(
                    "release", "Fold what waits under a key, in order, as far as it can be folded",
                    "sluice quarantine release --domain deliberation --key c1 --brokers "
                    "localhost:9092");
  add_log_options(command, options->log);
  command.text("domain", options->domain, "Whose quarantine").required();
  command.text("key", options->key, "The key whose records wait, such as a conversation")
      .required();
  if (discard) {
    command.number("offset", options->offset, 0, kNone, "The record's position").required();
  } else {
    command.number("offset", options->offset, 0, kNone,
                   "The position of the first of them, when its bytes have aged out: it is read "
                   "from the log again");
  }
  command.runs([options, discard](const OutputForm&) { return decide(*options, discard); });
}

}  // namespace

void add_quarantine(Command& root) {
  auto options = std::make_shared<Options>();
  Command quarantine =
      root.command("quarantine", "Records that could not be folded, and what to do with them",
                   "sluice quarantine list --postgres postgresql://...");
  Command lists =
      quarantine.command("list", "What is there, and why; exit 1 when there is anything",
                         "sluice quarantine list --postgres postgresql://...");
  add_postgres_option(lists, options->postgres);
  lists.runs([options](const OutputForm& output) { return list(*options, output); });

  Command shows = quarantine.command("show", "One record with its bytes in base64",
                                     "sluice quarantine show --domain deliberation --partition 3 "
                                     "--offset 812 --postgres postgresql://...");
  add_postgres_option(shows, options->postgres);
  shows.text("domain", options->domain, "Whose quarantine").required();
  shows.number("partition", options->partition, 0, 1'000'000, "The record's partition").required();
  shows.number("offset", options->offset, 0, kNone, "The record's position").required();
  shows.runs([options](const OutputForm&) { return show(*options); });

  add_decision(quarantine, options, false);
  add_decision(quarantine, options, true);
}

}  // namespace sluice
