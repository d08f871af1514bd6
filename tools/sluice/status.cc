#include <unistd.h>

#include <cstdio>
#include <memory>

#include "storage/base/errors.h"
#include "tools/sluice/cli/pause.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/overview/asked_log.h"
#include "tools/sluice/overview/overview.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kBetweenTurns{2};

struct Options {
  std::string postgres;
  LogOptions log;
  bool watch = false;
};

// Null: nobody named one.
std::unique_ptr<AskedLog> asked_log(const Options& options) {
  if (options.log.data.empty() && options.log.brokers.empty()) return nullptr;
  return std::make_unique<AskedLog>(options.log, options.postgres);
}

Exit status(const Options& options, const OutputForm& output) {
  const std::unique_ptr<AskedLog> log = asked_log(options);
  Database database(options.postgres);
  const Overview all = look_over(database, log.get());
  if (output.json) {
    print_line(all.json());
  } else {
    std::fputs(all.text().c_str(), stdout);
  }
  return all.all_is_well() ? Exit::done : Exit::found;
}

// Over what was painted before, line by line, so that nothing flickers.
void paint(std::string_view text) {
  std::string frame = "\x1b[H";
  for (const char c : text) {
    if (c == '\n') frame += "\x1b[K";
    frame += c;
  }
  std::fputs((frame + "\x1b[J").c_str(), stdout);
  std::fflush(stdout);
}

// A database or a log that is away is what somebody watches for: it is told, and asked again.
Exit watch(const Options& options, const OutputForm& output) {
  const Shutdown shutdown;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  std::unique_ptr<AskedLog> log;
  Database database(options.postgres);
  Exit exit = Exit::done;
  if (terminal && !output.json) std::fputs("\x1b[2J", stdout);
  // Nobody reads it any more where it cannot be written.
  while (!shutdown.token().stop_requested() && std::ferror(stdout) == 0) {
    try {
      if (!log) log = asked_log(options);
      const Overview all = look_over(database, log.get());
      exit = all.all_is_well() ? Exit::done : Exit::found;
      if (output.json) {
        print_line(all.json());
      } else if (terminal) {
        paint(all.text());
      } else {
        print_line(all.text());
      }
    } catch (const Retryable& failure) {
      exit = Exit::found;
      std::fprintf(stderr, "sluice status: %s\n", failure.what());
    }
    pause(kBetweenTurns, shutdown.token());
  }
  return exit;
}

}  // namespace

void add_status(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "status",
      "How far each view is, by partition: position, end of the log, lag in records, freshness "
      "(how long the log has had the oldest record that the view lacks), events a second, rows "
      "that wait to be flushed, the process that has it and, with --json, how that began; the "
      "processes, with "
      "memory, RocksDB, Kafka and Postgres as they see them; of what is computed, how many keys "
      "are due, are being computed or fail, and how long the oldest has waited; what stands still, "
      "why, and what to do; what was rejected and what is in quarantine. With --brokers or --data "
      "the log itself is asked where it ends for partitions that no process has, whose lag is "
      "unknown otherwise. With --watch it goes on until Ctrl-C: on a terminal the page is painted "
      "anew each 2 seconds, with --json a line comes each time. Exit 1 when anything stands still, "
      "or a lag is unknown.",
      "sluice status --postgres postgresql://... --data DIR");
  add_postgres_option(command, options->postgres);
  add_log_options(command, options->log);
  command.flag("watch", options->watch, "Again each 2 seconds, until Ctrl-C");
  command.runs([options](const OutputForm& output) {
    return options->watch ? watch(*options, output) : status(*options, output);
  });
}

}  // namespace sluice
