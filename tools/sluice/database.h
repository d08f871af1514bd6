#pragma once

// Questions that commands ask Postgres, and their answers as people or scripts read them.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/postgres/postgres_vitals.h"
#include "tools/sluice/cli/program.h"

namespace sluice {

struct Answer {
  struct Column {
    std::string name;
    bool is_plain = false;  // a number or a truth, which JSON has without quotes
    bool is_json = false;   // shown as it is
  };
  std::vector<Column> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;

  // Where the column of this name is; there is one.
  [[nodiscard]] std::size_t column(std::string_view name) const;
  // The columns of these names, in this order.
  [[nodiscard]] Answer only(const std::vector<std::string>& names) const;
  // A list of objects.
  [[nodiscard]] std::string json() const;
  // Columns under each other.
  [[nodiscard]] std::string table() const;
};

class Database {
 public:
  // Connects when first asked.
  explicit Database(const std::string& url) : connection_(url) {}
  // One that gives up sooner: each question is answered or fails within these three together.
  Database(const std::string& url, std::chrono::milliseconds statement,
           std::chrono::milliseconds to_answer, std::chrono::seconds to_connect)
      : connection_(url, statement, to_answer, to_connect) {}

  // Throws what the connection throws: Retryable when Postgres is away, Misconfigured when it
  // refuses the question. Where a table of the engine is locked, Retryable says by whom.
  Answer ask(const std::string& sql, const std::vector<std::string>& parameters = {});
  // Of the server.
  PostgresVitals vitals() { return ask_vitals(connection_); }

 private:
  PgResult run(const std::string& sql, const std::vector<std::string>& parameters);

  PgConnection connection_;
};

// The property --postgres.
void add_postgres_option(Command& command, std::string& url);

}  // namespace sluice
