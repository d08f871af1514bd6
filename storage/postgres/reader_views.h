#pragma once

// The views of a domain, through which readers see one generation's tables. The one place that
// makes their SQL.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/postgres/generation_tables.h"

namespace sluice {

// What readers are to see.
struct Shown {
  std::string domain;
  int generation = 1;
  std::int64_t mark = 0;  // of sluice.mark, without which no snapshot sees it; 0: every one does
};

struct ReaderView {
  struct Column {
    std::string name;
    std::string type;
    bool there = true;  // in the table; else null
  };
  std::string name;
  std::string options;
  bool has_table = true;  // else it has no rows
  std::vector<Column> columns;
};

// CREATE OR REPLACE.
[[nodiscard]] std::string view_sql(const Shown& shown, const ReaderView& view);

// A domain's views onto a generation: each has the columns that it has now, in their order, null
// where the table has none, and behind them those that are new. So it can always be replaced.
struct ReaderViews {
  std::vector<ReaderView> views;
  std::string comments_sql;  // what its comments are to be, where they are others
  std::vector<std::string>
      conflicts;  // "opinion.passes is bigint in generation 2, text for readers"

  [[nodiscard]] std::string sql(const Shown& shown) const;
};
[[nodiscard]] ReaderViews reader_views(PgConnection& connection, std::string_view domain,
                                       int generation);

// Tells whether the views are those of `shown` and of these functions for readers (sluice.applied).
[[nodiscard]] std::string readers_text(const Shown& shown, std::string_view reads_sql);

// Which of the generation's functions and views for readers does not go with its tables alone, and
// why in Postgres' words: "function deliberation.feed: column o.passes does not exist"; empty where
// all do. Tried out in a transaction that leaves nothing behind, beside readers.
[[nodiscard]] std::string misfit_of_reads(PgConnection& connection, const Shown& shown,
                                          const std::string& reads_sql);

// In the transaction at hand, has all views of the domain to itself, so that they can be replaced
// without waiting: ACCESS EXCLUSIVE, but for the tables below, which LOCK TABLE would lock as well.
// Throws Retryable (55P03) after 50 ms in all, since every new reader waits behind a lock that is
// waited for.
void lock_views(PgConnection& connection, const std::string& domain);

}  // namespace sluice
