#include "storage/postgres/connection.h"

#include <libpq-fe.h>

#include <charconv>
#include <vector>

#include "storage/errors.h"

namespace sluice {
namespace {

// The one place where Postgres's errors become ours.
[[noreturn]] void raise(std::string_view state, const std::string& message) {
  const std::string text = message + " [" + std::string(state) + "]";
  if (state.empty() || state.starts_with("08") || state.starts_with("40") ||
      state.starts_with("53") || state.starts_with("57") || state.starts_with("58") ||
      state.starts_with("55") || state == "25P03" || state == "25006" || state == "XX000") {
    throw Retryable(text);
  }
  if (state.starts_with("22") || state.starts_with("23") || state.starts_with("XX")) {
    throw Corrupt(text);
  }
  throw Misconfigured(text);
}

std::string trimmed(const char* message) {
  std::string text = message ? message : "";
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace

void PgResult::clear(pg_result* result) { PQclear(result); }
int PgResult::rows() const { return PQntuples(result_.get()); }
bool PgResult::null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}
std::string_view PgResult::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
std::int64_t PgResult::number(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}
std::int64_t PgResult::changed() const {
  const std::string_view digits = PQcmdTuples(result_.get());
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}
std::string_view PgResult::tag() const { return PQcmdStatus(result_.get()); }

void PgConnection::finish(pg_conn* connection) { PQfinish(connection); }

bool PgConnection::broken() const {
  return !connection_ || PQstatus(connection_.get()) != CONNECTION_OK;
}

bool PgConnection::connect() {
  if (!broken()) return false;
  char* fault = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(url_.c_str(), &fault);
  if (!parsed) {
    const std::string why = trimmed(fault);
    PQfreemem(fault);
    throw Misconfigured("not a Postgres URL: " + why);
  }
  PQconninfoFree(parsed);
  // The URL comes last: what it says itself wins.
  const char* const names[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                               "keepalives_count", "tcp_user_timeout", "application_name",
                               "client_encoding",  "dbname",           nullptr};
  const char* const values[] = {"5",      "10",   "5",          "3",    "30000",
                                "sluice", "UTF8", url_.c_str(), nullptr};
  connection_.reset(PQconnectdbParams(names, values, 1));
  if (PQstatus(connection_.get()) != CONNECTION_OK) {
    const std::string why = trimmed(PQerrorMessage(connection_.get()));
    const bool refused = PQconnectionNeedsPassword(connection_.get()) != 0 ||
                         why.find("authentication failed") != std::string::npos ||
                         why.find("does not exist") != std::string::npos;
    connection_.reset();
    if (refused) throw Misconfigured("Postgres refuses: " + why);
    throw Retryable("no connection to Postgres: " + why);
  }
  const std::string limit = std::to_string(statement_timeout_.count());
  run("SET client_min_messages = warning; SET timezone = 'UTC'; SET lock_timeout = '10s';"
      "SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = " +
      limit);
  return true;
}

PgResult PgConnection::checked(pg_result* raw, std::string_view doing) {
  PgResult result(raw);
  if (raw) {
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN) {
      return result;
    }
  }
  const char* state = raw ? PQresultErrorField(raw, PG_DIAG_SQLSTATE) : nullptr;
  std::string message =
      trimmed(raw ? PQresultErrorMessage(raw) : PQerrorMessage(connection_.get()));
  raise(state ? state : "", message + " in " + std::string(doing.substr(0, 120)));
}

PgResult PgConnection::run(const std::string& sql) {
  connect();
  return checked(PQexec(connection_.get(), sql.c_str()), sql);
}

PgResult PgConnection::run(const std::string& sql,
                           std::initializer_list<std::string_view> parameters) {
  connect();
  std::vector<std::string> owned(parameters.begin(), parameters.end());
  std::vector<const char*> values;
  for (const std::string& value : owned) values.push_back(value.c_str());
  return checked(PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                              nullptr, values.data(), nullptr, nullptr, 0),
                 sql);
}

void PgConnection::copy_in(const std::string& sql, std::string_view lines) {
  checked(PQexec(connection_.get(), sql.c_str()), sql);
  constexpr std::size_t kPiece = 1 << 20;
  for (; !lines.empty(); lines.remove_prefix(std::min(kPiece, lines.size()))) {
    const std::string_view piece = lines.substr(0, kPiece);
    if (PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size())) != 1) {
      throw Retryable(trimmed(PQerrorMessage(connection_.get())));
    }
  }
  if (PQputCopyEnd(connection_.get(), nullptr) != 1) {
    throw Retryable(trimmed(PQerrorMessage(connection_.get())));
  }
  pg_result* answer = PQgetResult(connection_.get());
  while (pg_result* more = PQgetResult(connection_.get())) PQclear(more);
  checked(answer, sql);
}

PgConnection::Commit PgConnection::commit() {
  PgResult result(nullptr);
  pg_result* raw = PQexec(connection_.get(), "COMMIT");
  const char* field = raw ? PQresultErrorField(raw, PG_DIAG_SQLSTATE) : nullptr;
  const std::string state = field ? field : "";
  // A shutdown may arrive between the commit and its answer, so it tells nothing.
  if (!raw || broken() || state.starts_with("57P") ||
      (state.empty() && PQresultStatus(raw) != PGRES_COMMAND_OK)) {
    PQclear(raw);
    disconnect();
    return Commit::in_doubt;
  }
  result = checked(raw, "COMMIT");
  if (result.tag() != "COMMIT") throw Retryable("the transaction was rolled back");
  return Commit::done;
}

void PgConnection::roll_back() noexcept {
  if (broken() || PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
  pg_result* result = PQexec(connection_.get(), "ROLLBACK");
  const bool done = PQresultStatus(result) == PGRES_COMMAND_OK;
  PQclear(result);
  if (!done) disconnect();
}

}  // namespace sluice
