#include <libpq-fe.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/check.h"
#include "tools/bench/cpu_time.h"
#include "tools/bench/floor.h"

namespace sluice::bench {
namespace {

constexpr std::size_t kRowsATransaction = 50'000;

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

Result run(const Connection& connection, const std::string& sql) {
  Result result(PQexec(connection.get(), sql.c_str()), &PQclear);
  const auto status = PQresultStatus(result.get());
  CHECK(status != PGRES_FATAL_ERROR && status != PGRES_BAD_RESPONSE, "our own SQL is right");
  return result;
}

// The table's rows as COPY writes them, cut into transactions.
std::vector<std::string> copy_out(const Connection& connection, const std::string& table,
                                  std::size_t& rows) {
  run(connection, "COPY " + table + " TO STDOUT");
  std::vector<std::string> parts;
  char* line = nullptr;
  std::size_t in_part = kRowsATransaction;
  for (int size = 0; (size = PQgetCopyData(connection.get(), &line, 0)) > 0; ++rows) {
    if (in_part++ == kRowsATransaction) {
      parts.emplace_back();
      in_part = 1;
    }
    parts.back().append(line, static_cast<std::size_t>(size));
    PQfreemem(line);
  }
  while (PGresult* end = PQgetResult(connection.get())) PQclear(end);
  return parts;
}

void upsert(const Connection& connection, const std::string& from, const std::string& to,
            const std::string& keys, const std::string& lines) {
  run(connection, "BEGIN; TRUNCATE " + from);
  run(connection, "COPY " + from + " FROM STDIN");
  PQputCopyData(connection.get(), lines.data(), static_cast<int>(lines.size()));
  PQputCopyEnd(connection.get(), nullptr);
  while (PGresult* end = PQgetResult(connection.get())) PQclear(end);
  run(connection, "INSERT INTO " + to + " SELECT * FROM " + from + " ORDER BY " + keys +
                      " ON CONFLICT (" + keys + ") DO NOTHING; COMMIT");
}

}  // namespace

void upsert_bare(const std::string& url, const std::string& schema) {
  const Connection connection(PQconnectdb(url.c_str()), &PQfinish);
  CHECK(PQstatus(connection.get()) == CONNECTION_OK, "the database is there");
  const Result tables = run(
      connection,
      "SELECT quote_ident(c.relname), string_agg(quote_ident(a.attname), ', ' ORDER BY k.place) "
      "FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary, "
      "unnest(i.indkey) WITH ORDINALITY k(number, place) JOIN pg_attribute a ON a.attnum = "
      "k.number "
      "WHERE a.attrelid = c.oid AND c.relnamespace = '" +
          schema + "'::regnamespace GROUP BY 1");
  std::size_t rows = 0;
  std::chrono::duration<double> took{0};
  std::chrono::duration<double> cpu{0};
  for (int i = 0; i < PQntuples(tables.get()); ++i) {
    const std::string name = PQgetvalue(tables.get(), i, 0);
    const std::string keys = PQgetvalue(tables.get(), i, 1);
    const auto parts = copy_out(connection, schema + "." + name, rows);
    run(connection, "CREATE TABLE bench_" + name + " (LIKE " + schema + "." + name +
                        " INCLUDING ALL); CREATE TEMP TABLE changed_" + name +
                        " AS SELECT * FROM " + schema + "." + name + " WITH NO DATA");
    const auto begun = std::chrono::steady_clock::now();
    const auto cpu_begun = process_cpu();
    for (const std::string& lines : parts) {
      upsert(connection, "changed_" + name, "bench_" + name, keys, lines);
    }
    took += std::chrono::steady_clock::now() - begun;
    cpu += process_cpu() - cpu_begun;
    run(connection, "DROP TABLE bench_" + name);
  }
  const auto n = static_cast<double>(rows);
  std::printf(
      "| bare COPY and upsert, one session | %.0f rows | %.2f CPU-s a million | %.0f rows/s |\n", n,
      cpu.count() / n * 1e6, n / took.count());
}

}  // namespace sluice::bench
