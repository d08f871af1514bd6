#include "storage/postgres/process_rows.h"

#include <spdlog/spdlog.h>

#include <exception>
#include <utility>

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kStatement{1000};
constexpr std::chrono::milliseconds kToAnswer{1000};
constexpr std::chrono::seconds kToConnect{2};

}  // namespace

ProcessRow::ProcessRow(const std::string& url, ProcessIdentity identity)
    : identity_(std::move(identity)), connection_(url, kStatement, kToAnswer, kToConnect) {}

// A row that somebody else holds is passed over: the next turn, or the next process, removes it.
void ProcessRow::renew(std::string_view vitals) {
  connection_.run(
      "INSERT INTO sluice.process (instance, host, pid, version, vitals) "
      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (instance) DO UPDATE SET seen_at = now(), "
      "vitals = excluded.vitals",
      {identity_.instance, identity_.host, std::to_string(identity_.pid), identity_.version,
       vitals});
  connection_.run(
      "DELETE FROM sluice.process WHERE instance IN (SELECT instance FROM sluice.process "
      "WHERE seen_at < now() - interval '1 min' FOR UPDATE SKIP LOCKED)");
}

void ProcessRow::remove() noexcept {
  try {
    connection_.run("DELETE FROM sluice.process WHERE instance = $1", {identity_.instance});
  } catch (const std::exception& failure) {
    spdlog::info("the process's row was left error=\"{}\"", failure.what());
  }
}

}  // namespace sluice
