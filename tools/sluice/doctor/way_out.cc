#include "tools/sluice/doctor/way_out.h"

#include <string_view>

#include "tools/sluice/doctor/finding.h"

namespace sluice {
namespace {

// What stands between the two; empty: they are not there.
std::string between(std::string_view text, std::string_view before, std::string_view behind) {
  const std::size_t found = text.find(before);
  if (found == text.npos) return {};
  const std::size_t from = found + before.size();
  const std::size_t to = text.find(behind, from);
  return to == text.npos ? std::string() : std::string(text.substr(from, to - from));
}

// The first command of ours that does something and ends; empty: none is named.
std::string named_command(std::string_view trouble) {
  constexpr std::string_view kProgram = "sluice";
  constexpr char kQuote = '`';
  const std::string begins = kQuote + std::string(kProgram) + ' ';
  for (;;) {
    const std::string command = between(trouble, begins, {&kQuote, 1});
    if (command.empty()) return {};
    if (command.find(' ') != command.npos && !command.starts_with("project")) return command;
    trouble.remove_prefix(trouble.find(begins) + begins.size() + command.size());
  }
}

std::string with_place(const std::string& command, const Place& place) {
  if (command.starts_with("topics")) return "sluice " + command + place.log;
  const bool decides = command.find("--refold") != command.npos;
  return "sluice " + command + place.postgres_flag() +
         (decides ? "  # where what is lost cannot be restored: docs/start_checks.md" : "");
}

std::string on(const StandingStill& still) { return still.host.empty() ? "" : "on " + still.host; }

}  // namespace

std::string way_out(const StandingStill& still, const Place& place) {
  const std::string_view trouble = still.trouble;
  const std::string damaged = between(trouble, "It lies in ", ". Stop this process");
  if (!damaged.empty() && !still.pid.empty()) {
    return "kill " + still.pid + "  # " + on(still) + "; once it has ended: rm -r " +
           shell_word(damaged) + ", and start it again";
  }
  const std::string closed = between(trouble, "the state in ", " cannot be opened");
  if (!closed.empty()) {
    return "ls -ld " + shell_word(closed) + "  # " + on(still) +
           "; give the process what it lacks, or: rm -r " + shell_word(closed);
  }
  if (const std::string command = named_command(trouble); !command.empty()) {
    return with_place(command, place);
  }
  const bool log_is_away = trouble.starts_with("log: ") || trouble.find("broker") != trouble.npos;
  if (log_is_away && place.log.starts_with(" --brokers")) {
    return "sluice topics list" + place.log + "  # does a broker answer? Else start it";
  }
  if (trouble.find(" waits for ") != trouble.npos) {
    return "sluice doctor --older 0s" + place.postgres_flag() + "  # says who has the lock";
  }
  if (!still.pid.empty()) {
    return "ps -o pid,stat,etime,args -p " + still.pid + "  # " + on(still) + "; its log says more";
  }
  return "sluice status" + place.postgres_flag();
}

}  // namespace sluice
