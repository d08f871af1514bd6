#include "storage/postgres/private_settings.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <string>

#include "storage/postgres/connection.h"

namespace sluice {
namespace {

constexpr int kLeastMegabytes = 256;
constexpr int kMostMegabytes = 2048;

// A server that stands still must not hold up the process: it is asked again later.
constexpr std::chrono::seconds kStatement{2};
constexpr std::chrono::seconds kToAnswer{1};

}  // namespace

int wal_megabytes(std::uint64_t table_bytes) {
  const std::uint64_t wanted = 2 * (table_bytes >> 20);
  int megabytes = kLeastMegabytes;
  while (megabytes < kMostMegabytes && static_cast<std::uint64_t>(megabytes) < wanted)
    megabytes *= 2;
  return megabytes;
}

void fit_write_ahead_log(int port, const RolePasswords& passwords) {
  PgConnection superuser(private_url(kSuperuserRole, passwords.superuser, port), kStatement,
                         kToAnswer);
  const PgResult found = superuser.run(
      "SELECT sum(pg_database_size(oid)), "
      "(SELECT setting FROM pg_settings WHERE name = 'max_wal_size') FROM pg_database");
  const int megabytes = wal_megabytes(static_cast<std::uint64_t>(found.number(0, 0)));
  if (found.number(0, 1) == megabytes) return;
  superuser.run("ALTER SYSTEM SET max_wal_size = '" + std::to_string(megabytes) + "MB'");
  superuser.run("SELECT pg_reload_conf()");
  spdlog::info("postgres keeps write-ahead log megabytes={}", megabytes);
}

}  // namespace sluice
