#include "storage/postgres/audit/audit_session.h"

#include <chrono>
#include <utility>

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kStatement{1000};
constexpr std::chrono::milliseconds kToAnswer{1000};
constexpr std::chrono::seconds kToConnect{2};

}  // namespace

AuditSession::AuditSession(const std::string& url, std::stop_token stop)
    : connection_(url, kStatement, kToAnswer, kToConnect) {
  connection_.heed(std::move(stop));
}

// What is lost of its own notes is looked at again: no commit waits for a disk.
AuditSession::Use AuditSession::ready() {
  if (connection_.connect()) {
    connection_.run(
        "SET application_name = 'sluice audit'; SET idle_in_transaction_session_timeout = '2s'; "
        "SET lock_timeout = '500ms'; SET max_parallel_workers_per_gather = 0; SET jit = off; "
        "SET synchronous_commit = off; SET DateStyle = 'ISO'; SET bytea_output = 'hex'; "
        "SET extra_float_digits = 1");
  }
  return Use(*this);
}

}  // namespace sluice
