#include "storage/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "storage/base/errors.h"
#include "storage/postgres/error.h"

namespace sluice {
namespace {

// What we are tested on; PQserverVersion's form.
constexpr int kLeastVersion = 150000;

// How much longer than the server's own limit for a statement its answer may take.
constexpr std::chrono::seconds kToAnswer{5};

}  // namespace

void PgConnection::finish(pg_conn* connection) { PQfinish(connection); }

bool PgConnection::broken() const {
  return !connection_ || PQstatus(connection_.get()) != CONNECTION_OK;
}

bool PgConnection::connect() {
  if (!broken()) return false;
  char* fault = nullptr;
  PQconninfoOption* parsed = PQconninfoParse(url_.c_str(), &fault);
  if (!parsed) {
    const std::string why = in_one_line(fault);
    PQfreemem(fault);
    throw Misconfigured("not a Postgres URL (postgresql://USER:PASSWORD@HOST:PORT/NAME): " + why);
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
    const std::string why = in_one_line(PQerrorMessage(connection_.get()));
    const bool refused = PQconnectionNeedsPassword(connection_.get()) != 0 ||
                         why.find("authentication failed") != std::string::npos ||
                         why.find("does not exist") != std::string::npos;
    connection_.reset();
    if (refused) throw Misconfigured("Postgres refuses: " + why + " (look at the URL)");
    throw Retryable("no connection to Postgres: " + why + " (does it run, is the URL right?)");
  }
  if (const int version = PQserverVersion(connection_.get()); version < kLeastVersion) {
    connection_.reset();
    throw Misconfigured("Postgres " + std::to_string(version / 10000) +
                        " is too old: Sluice needs " + std::to_string(kLeastVersion / 10000) +
                        " or newer");
  }
  PQsetnonblocking(connection_.get(), 1);
  const std::string limit = std::to_string(statement_timeout_.count());
  run("SET client_min_messages = warning; SET timezone = 'UTC'; SET lock_timeout = '10s';"
      "SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = " +
      limit);
  return true;
}

PgResult PgConnection::checked(PgAnswer answer, std::string_view doing) {
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN) {
    return PgResult(std::move(answer));
  }
  const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
  const std::string message =
      answer ? message_of(answer.get()) : in_one_line(PQerrorMessage(connection_.get()));
  raise_postgres(state ? state : "",
                 message + " in " + in_one_line(std::string(doing.substr(0, 120)).c_str()));
}

PgConnection::Clock::time_point PgConnection::deadline() const {
  return Clock::now() + statement_timeout_ + kToAnswer;
}

// Sockets of a server that stands still are answered by its kernel: only our own clock tells.
void PgConnection::wait(short events, Clock::time_point deadline) {
  pollfd socket{.fd = PQsocket(connection_.get()), .events = events, .revents = 0};
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int ready = ::poll(&socket, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return;
    if (ready < 0) continue;
    disconnect();
    throw Retryable("Postgres has not answered for " +
                    std::to_string((statement_timeout_ + kToAnswer).count()) + " ms");
  }
}

void PgConnection::send(int taken, Clock::time_point deadline) {
  while (taken == 1 && PQflush(connection_.get()) == 1) {
    wait(POLLIN | POLLOUT, deadline);
    if (PQconsumeInput(connection_.get()) == 0) break;
  }
  // What fails here is told by the answer.
}

PgAnswer PgConnection::next_answer(Clock::time_point deadline) {
  while (PQisBusy(connection_.get()) != 0) {
    wait(POLLIN, deadline);
    if (PQconsumeInput(connection_.get()) == 0) break;
  }
  return PgAnswer(PQgetResult(connection_.get()));
}

// The last of a text of several statements, or that of the one which failed.
PgAnswer PgConnection::last_answer(Clock::time_point deadline) {
  PgAnswer last;
  while (PgAnswer next = next_answer(deadline)) {
    // Behind an error comes nothing but its consequences.
    if (last && PQresultStatus(last.get()) == PGRES_FATAL_ERROR) continue;
    last = std::move(next);
    if (PQresultStatus(last.get()) == PGRES_COPY_IN) break;
  }
  return last;
}

void PgConnection::give_up_copy(Clock::time_point deadline) {
  while (const PgAnswer next = next_answer(deadline)) {
    if (PQresultStatus(next.get()) == PGRES_COPY_IN) {
      send(PQputCopyEnd(connection_.get(), "given up"), deadline);
    }
    if (broken()) return;
  }
}

PgAnswer PgConnection::ask(const std::string& sql) {
  const Clock::time_point deadline = this->deadline();
  give_up_copy(deadline);
  send(PQsendQuery(connection_.get(), sql.c_str()), deadline);
  return last_answer(deadline);
}

PgResult PgConnection::run(const std::string& sql) {
  connect();
  return checked(ask(sql), sql);
}

PgResult PgConnection::run(const std::string& sql,
                           std::initializer_list<std::string_view> parameters) {
  return run(sql, std::vector<std::string>(parameters.begin(), parameters.end()));
}

PgResult PgConnection::run(const std::string& sql, const std::vector<std::string>& parameters) {
  connect();
  std::vector<const char*> values;
  values.reserve(parameters.size());
  for (const std::string& value : parameters) values.push_back(value.c_str());
  const Clock::time_point deadline = this->deadline();
  give_up_copy(deadline);
  send(PQsendQueryParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()), nullptr,
                         values.data(), nullptr, nullptr, 0),
       deadline);
  return checked(last_answer(deadline), sql);
}

void PgConnection::copy_in(const std::string& sql, std::string_view lines) {
  begin_copy(sql);
  put_copy(lines);
  end_copy(sql);
}

void PgConnection::begin_copy(const std::string& sql) { checked(ask(sql), sql); }

void PgConnection::put_copy(std::string_view lines) {
  constexpr std::size_t kPiece = 1 << 16;  // what the socket takes at once: libpq moves the rest
  for (; !lines.empty(); lines.remove_prefix(std::min(kPiece, lines.size()))) {
    const std::string_view piece = lines.substr(0, kPiece);
    const int taken =
        PQputCopyData(connection_.get(), piece.data(), static_cast<int>(piece.size()));
    if (taken != 1) throw Retryable(in_one_line(PQerrorMessage(connection_.get())));
    // All of it, before libpq's buffer grows.
    send(taken, deadline());
  }
}

void PgConnection::end_copy(const std::string& sql) {
  const int taken = PQputCopyEnd(connection_.get(), nullptr);
  if (taken != 1) throw Retryable(in_one_line(PQerrorMessage(connection_.get())));
  const Clock::time_point deadline = this->deadline();
  send(taken, deadline);
  checked(last_answer(deadline), sql);
}

PgConnection::Commit PgConnection::commit() {
  PgAnswer answer;
  try {
    answer = ask("COMMIT");
  } catch (const Retryable&) {  // nobody answers
    return Commit::in_doubt;
  }
  const char* field = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
  const std::string state = field ? field : "";
  // A shutdown may arrive between the commit and its answer, so it tells nothing.
  if (!answer || broken() || state.starts_with("57P") ||
      (state.empty() && PQresultStatus(answer.get()) != PGRES_COMMAND_OK)) {
    answer.reset();
    disconnect();
    return Commit::in_doubt;
  }
  const PgResult result = checked(std::move(answer), "COMMIT");
  if (result.tag() != "COMMIT") throw Retryable("the transaction was rolled back");
  return Commit::done;
}

void PgConnection::roll_back() noexcept {
  if (broken() || PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
  try {
    run("ROLLBACK");
  } catch (const Error&) {
    disconnect();
  }
}

}  // namespace sluice
