#pragma once

// The session of a process's self-audit.

#include <chrono>
#include <stop_token>
#include <string>

#include "storage/postgres/connection.h"

namespace sluice {

// One thread.
class AuditSession {
 public:
  using Clock = std::chrono::steady_clock;

  // Whatever waits ends with Retryable once `stop` says so.
  AuditSession(const std::string& url, std::stop_token stop);

  // The session for one question, whose time counts.
  class Use {
   public:
    explicit Use(AuditSession& session) : session_(session) {}
    ~Use() { session_.spent_ += Clock::now() - began_; }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    PgConnection* operator->() const { return &session_.connection_; }

   private:
    AuditSession& session_;
    const Clock::time_point began_ = Clock::now();
  };

  // Connected, and set up; in a transaction only where a user of the session has begun one.
  [[nodiscard]] Use ready();
  // As it is, connected or not.
  [[nodiscard]] Use as_is() { return Use(*this); }

  // How long all questions took together, answers included: about what they have cost the server.
  [[nodiscard]] std::chrono::nanoseconds spent() const { return spent_; }

 private:
  PgConnection connection_;
  std::chrono::nanoseconds spent_{0};
};

}  // namespace sluice
