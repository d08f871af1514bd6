#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/result.h"

struct pg_conn;

namespace sluice {

// A session that connects when first used, and again after it broke. One thread. Everything has a
// deadline: connecting, statements, locks, a network that is silent and a server that stands still.
// Throws the types of storage/base/errors.h.
class PgConnection {
 public:
  // `to_answer`: how much longer than the server's own limit for a statement its answer may take.
  // `to_connect`: to one host, unless the URL says how long.
  explicit PgConnection(std::string url,
                        std::chrono::milliseconds statement_timeout = std::chrono::seconds(30),
                        std::chrono::milliseconds to_answer = std::chrono::seconds(5),
                        std::chrono::seconds to_connect = std::chrono::seconds(5))
      : url_(std::move(url)),
        statement_timeout_(statement_timeout),
        to_answer_(to_answer),
        to_connect_(to_connect),
        connection_(nullptr, &finish) {}

  // From now on whatever waits for an answer ends with Retryable once `stop` says so; the session
  // is dropped then, and the server ends what runs in it within seconds.
  void heed(std::stop_token stop) { stop_ = std::move(stop); }

  // Connects if need be; true when the session is new.
  bool connect();
  [[nodiscard]] bool broken() const;
  void disconnect() { connection_.reset(); }

  // What CREATE ROLE takes for this password, so that no statement has it itself.
  [[nodiscard]] std::string scram_verifier(const std::string& role, const std::string& password);

  // Statements separated by semicolons, without parameters.
  PgResult run(const std::string& sql);
  PgResult run(const std::string& sql, std::initializer_list<std::string_view> parameters);
  PgResult run(const std::string& sql, const std::vector<std::string>& parameters);

  // Sends `lines` to "COPY ... FROM STDIN".
  void copy_in(const std::string& sql, std::string_view lines);
  // The same in pieces. One that is begun and not ended is given up by the next run().
  void begin_copy(const std::string& sql);
  void put_copy(std::string_view lines);
  void end_copy(const std::string& sql);

  // Waits for a NOTIFY of a channel that this session LISTENs to, and takes all that have come.
  // False: none came within `timeout`. Retryable when the session breaks; a new one LISTENs to
  // nothing.
  bool notified(std::chrono::milliseconds timeout);

  // In the transaction that is open a statement may take this long, and its answer: until commit()
  // or roll_back().
  void allow(std::chrono::milliseconds statement_timeout);

  enum class Commit { done, in_doubt };
  Commit commit();
  // Never throws; a session that cannot is dropped.
  void roll_back() noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  static void finish(pg_conn* connection);
  void open(std::chrono::seconds limit);
  [[nodiscard]] std::chrono::milliseconds longest() const;
  // Of whatever begins now.
  [[nodiscard]] Clock::time_point deadline() const;
  // Each throws Retryable at the deadline, and then the session is dropped.
  void wait(short events, Clock::time_point deadline);
  // What libpq has `taken`: 1, else there is nothing to send.
  void send(int taken, Clock::time_point deadline);
  PgAnswer next_answer(Clock::time_point deadline);  // null: no more of them
  PgAnswer last_answer(Clock::time_point deadline);
  void give_up_copy(Clock::time_point deadline);
  PgAnswer ask(const std::string& sql);
  PgResult checked(PgAnswer answer, std::string_view doing);

  std::string url_;
  std::chrono::milliseconds statement_timeout_;
  std::chrono::milliseconds allowed_{0};  // in the transaction at hand; 0: statement_timeout_
  std::chrono::milliseconds to_answer_;
  std::chrono::seconds to_connect_;
  std::stop_token stop_;
  std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
};

}  // namespace sluice
