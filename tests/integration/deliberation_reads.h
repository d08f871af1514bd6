#pragma once

// Deliberation's schema in a database of its own, and what its reads say.

#include <string>
#include <vector>

#include "storage/postgres/connection.h"

namespace sluice::testing {

class DeliberationReads {
 public:
  DeliberationReads();

  [[nodiscard]] PgConnection& connection() { return connection_; }

  // A conversation in the feed. Times are seconds since 1970; null: -1.
  struct Shown {
    std::string id;
    std::int64_t created_at = 0;
    std::int64_t last_reacted_at = -1;
    std::int64_t opinions = 0;
    std::int64_t votes = 0;
    std::int64_t participants = 0;
  };
  void show(const std::vector<Shown>& rows);

  // A page of "feed_new", "feed_engagement" or "feed_balanced".
  struct Page {
    std::vector<std::string> ids;
    std::string next;  // empty: the page is
  };
  [[nodiscard]] Page page(const std::string& feed, int limit, const std::string& cursor);

  // The only value of the only row.
  [[nodiscard]] std::string value(const std::string& sql);

  // What feeds are told the time is, in seconds since 1970.
  static constexpr std::int64_t kNow = 1'760'000'000;

 private:
  PgConnection connection_;
};

}  // namespace sluice::testing
