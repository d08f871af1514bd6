#include "storage/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <regex>
#include <utility>

#include "storage/base/errors.h"
#include "storage/postgres/error.h"

namespace sluice {
namespace {

// What we are tested on; PQserverVersion's form.
constexpr int kLeastVersion = 150000;
// Whether to stop, where that may be asked for.
constexpr std::chrono::milliseconds kBetweenLooks{100};

[[noreturn]] void fail_sending(PGconn* connection) {
  throw Retryable("sending rows to Postgres: " + in_one_line(PQerrorMessage(connection)));
}

}  // namespace

void PgConnection::finish(pg_conn* connection) { PQfinish(connection); }

bool PgConnection::broken() const {
  return !connection_ || PQstatus(connection_.get()) != CONNECTION_OK;
}

namespace {

// What was asked for in a URL; null: nothing was.
class Conninfo {
 public:
  explicit Conninfo(const std::string& url) {
    char* fault = nullptr;
    options_ = PQconninfoParse(url.c_str(), &fault);
    if (options_ != nullptr) return;
    const std::string why = in_one_line(fault);
    PQfreemem(fault);
    throw Misconfigured(
        "not a Postgres URL (postgresql://USER:PASSWORD@HOST:PORT/NAME, with %XX "
        "for what is special in a URL): " +
        why);
  }
  ~Conninfo() { PQconninfoFree(options_); }
  Conninfo(const Conninfo&) = delete;
  Conninfo& operator=(const Conninfo&) = delete;

  [[nodiscard]] std::string value(std::string_view name) const {
    for (const PQconninfoOption* at = options_; at->keyword != nullptr; ++at) {
      if (name == at->keyword && at->val != nullptr) return at->val;
    }
    return "";
  }

 private:
  PQconninfoOption* options_ = nullptr;
};

// For all hosts that the URL names, one after the other.
std::chrono::seconds time_to_connect(const Conninfo& asked, std::chrono::seconds usual) {
  const std::string hosts = asked.value("host") + asked.value("hostaddr");
  const auto each = std::max(1, std::atoi(asked.value("connect_timeout").c_str()));
  const bool says = !asked.value("connect_timeout").empty();
  return (says ? std::chrono::seconds(each) : usual) * (1 + std::ranges::count(hosts, ','));
}

// libpq's own would write to stderr.
void log_notice(void* /*unused*/, const char* message) {
  spdlog::warn("postgres says notice=\"{}\"", in_one_line(message));
}

// An error of the server as PQERRORS_VERBOSE writes it, whatever its language: "FATAL:  28P01: ..."
// and lines of where in its sources. Takes the SQLSTATE out; empty: the message is libpq's own.
std::string take_state(std::string& message) {
  static const std::regex with_state(":  ([0-9A-Z]{5}): ");
  std::smatch found;
  if (!std::regex_search(message, found, with_state)) return "";
  std::string state = found[1];
  message = found.prefix().str() + ": " + found.suffix().str();
  message = message.substr(0, message.find("\nLOCATION:"));
  return state;
}

[[noreturn]] void raise_not_connected(const std::string& state, const std::string& why,
                                      bool needs_password) {
  const auto says = [&](std::string_view part) { return why.find(part) != std::string::npos; };
  const std::string what = why + (state.empty() ? "" : " [" + state + "]");
  if (needs_password || state.starts_with("28")) {
    throw Misconfigured("Postgres refuses: " + what + " (look at user and password of the URL)");
  }
  if (state == "3D000") {
    throw Misconfigured("Postgres refuses: " + what +
                        " (make it with CREATE DATABASE, or name "
                        "another in the URL)");
  }
  if (state == "42501") {
    throw Misconfigured("Postgres refuses: " + what + " (GRANT CONNECT ON DATABASE to that user)");
  }
  if (says("startup parameter")) {
    throw Misconfigured("a pooler refuses: " + what + " (connect to Postgres itself)");
  }
  if (state.empty() && (says("certificate") || says("SSL, but SSL"))) {
    throw Misconfigured("no connection to Postgres: " + what + " (look at sslmode of the URL)");
  }
  if (!state.empty()) throw Retryable("Postgres takes no connection now: " + what);
  // libpq asks the same in its own words.
  throw Retryable(
      "no connection to Postgres: " + what.substr(0, what.find(" Is the server running")) +
      " (does it run, is the URL right?)");
}

}  // namespace

// Not PQconnectdb(), which gives no SQLSTATE, and whose messages may be in any language.
void PgConnection::open(std::chrono::seconds limit) {
  // The URL comes last: what it says itself wins.
  const char* const names[] = {
      "keepalives_idle",  "keepalives_interval", "keepalives_count", "tcp_user_timeout",
      "application_name", "client_encoding",     "dbname",           nullptr};
  const char* const values[] = {"10", "5", "3", "30000", "sluice", "UTF8", url_.c_str(), nullptr};
  connection_.reset(PQconnectStartParams(names, values, 1));
  PQsetErrorVerbosity(connection_.get(), PQERRORS_VERBOSE);
  PQsetNoticeProcessor(connection_.get(), &log_notice, nullptr);
  const Clock::time_point deadline = Clock::now() + limit;
  PostgresPollingStatusType next = PGRES_POLLING_WRITING;
  while (PQstatus(connection_.get()) != CONNECTION_BAD && next != PGRES_POLLING_OK &&
         next != PGRES_POLLING_FAILED) {
    pollfd socket{.fd = PQsocket(connection_.get()),
                  .events = static_cast<short>(next == PGRES_POLLING_READING ? POLLIN : POLLOUT),
                  .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const int ready = ::poll(&socket, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      connection_.reset();
      throw Retryable("no connection to Postgres within " + std::to_string(limit.count()) +
                      " s: nobody answers (does it run, is the URL right?)");
    }
    next = PQconnectPoll(connection_.get());
  }
  if (PQstatus(connection_.get()) == CONNECTION_OK) return;
  std::string why = PQerrorMessage(connection_.get());
  const std::string state = take_state(why);
  const bool needs_password = PQconnectionNeedsPassword(connection_.get()) != 0;
  connection_.reset();
  raise_not_connected(state, in_one_line(why.c_str()), needs_password);
}

bool PgConnection::connect() {
  if (!broken()) return false;
  const Conninfo asked(url_);
  open(time_to_connect(asked, to_connect_));
  if (const int version = PQserverVersion(connection_.get()); version < kLeastVersion) {
    connection_.reset();
    throw Misconfigured("Postgres " + std::to_string(version / 10000) +
                        " is too old: Sluice needs " + std::to_string(kLeastVersion / 10000) +
                        " or newer");
  }
  PQsetErrorVerbosity(connection_.get(), PQERRORS_DEFAULT);
  PQsetnonblocking(connection_.get(), 1);
  const std::string limit = std::to_string(statement_timeout_.count());
  run("SET client_min_messages = warning; SET timezone = 'UTC'; SET lock_timeout = '10s';"
      "SET default_transaction_isolation = 'read committed';"
      "SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = " +
      limit);
  return true;
}

std::string PgConnection::scram_verifier(const std::string& role, const std::string& password) {
  connect();
  char* const made =
      PQencryptPasswordConn(connection_.get(), password.c_str(), role.c_str(), "scram-sha-256");
  if (made == nullptr) {
    throw Retryable("making a verifier of a password: " +
                    in_one_line(PQerrorMessage(connection_.get())));
  }
  std::string verifier = made;
  PQfreemem(made);
  return verifier;
}

PgResult PgConnection::checked(PgAnswer answer, std::string_view doing) {
  const ExecStatusType status = PQresultStatus(answer.get());
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_COPY_IN) {
    return PgResult(std::move(answer));
  }
  const char* state = PQresultErrorField(answer.get(), PG_DIAG_SQLSTATE);
  const std::string message =
      answer ? message_of(answer.get()) : in_one_line(PQerrorMessage(connection_.get()));
  raise_postgres(state ? state : "", message + " in " + name_of_statement(doing));
}

std::chrono::milliseconds PgConnection::longest() const {
  return (allowed_.count() > 0 ? allowed_ : statement_timeout_) + to_answer_;
}

PgConnection::Clock::time_point PgConnection::deadline() const { return Clock::now() + longest(); }

// Sockets of a server that stands still are answered by its kernel: only our own clock tells.
void PgConnection::wait(short events, Clock::time_point deadline) {
  pollfd socket{.fd = PQsocket(connection_.get()), .events = events, .revents = 0};
  for (;;) {
    if (stop_.stop_requested()) {
      disconnect();
      throw Retryable("stopped while waiting for an answer of Postgres");
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    const auto slice = stop_.stop_possible() ? std::min(left, kBetweenLooks.count()) : left;
    const int ready = ::poll(&socket, 1, static_cast<int>(std::max<std::int64_t>(slice, 0)));
    if (ready > 0 || (ready < 0 && errno != EINTR)) return;
    if (ready < 0 || slice < left) continue;
    disconnect();
    throw Retryable("Postgres has not answered for " + std::to_string(longest().count()) +
                    " ms: it stands still, or the network does");
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
    if (taken != 1) fail_sending(connection_.get());
    // All of it, before libpq's buffer grows.
    send(taken, deadline());
  }
}

void PgConnection::end_copy(const std::string& sql) {
  const int taken = PQputCopyEnd(connection_.get(), nullptr);
  if (taken != 1) fail_sending(connection_.get());
  const Clock::time_point deadline = this->deadline();
  send(taken, deadline);
  checked(last_answer(deadline), sql);
}

bool PgConnection::notified(std::chrono::milliseconds timeout) {
  connect();
  pollfd socket{.fd = PQsocket(connection_.get()), .events = POLLIN, .revents = 0};
  if (::poll(&socket, 1, static_cast<int>(timeout.count())) > 0 &&
      PQconsumeInput(connection_.get()) == 0) {
    const std::string why = in_one_line(PQerrorMessage(connection_.get()));
    disconnect();
    throw Retryable("the session with Postgres broke: " + why);
  }
  bool any = false;
  // Also those that came with the answer of an earlier statement.
  while (PGnotify* const notice = PQnotifies(connection_.get())) {
    PQfreemem(notice);
    any = true;
  }
  return any;
}

void PgConnection::allow(std::chrono::milliseconds statement_timeout) {
  run("SET LOCAL statement_timeout = " + std::to_string(statement_timeout.count()));
  allowed_ = statement_timeout;
}

PgConnection::Commit PgConnection::commit() {
  allowed_ = {};
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
  if (result.tag() != "COMMIT")
    throw Retryable("the transaction was rolled back where it was to be committed");
  return Commit::done;
}

void PgConnection::roll_back() noexcept {
  allowed_ = {};
  if (broken() || PQtransactionStatus(connection_.get()) == PQTRANS_IDLE) return;
  try {
    run("ROLLBACK");
  } catch (const Error&) {
    disconnect();
  }
}

}  // namespace sluice
