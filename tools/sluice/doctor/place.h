#pragma once

// How commands that are suggested name the system that is looked at: so that they can be pasted
// into the shell from which the doctor was asked.

#include <string>

#include "storage/postgres/connection.h"

namespace sluice {

struct LogOptions;

struct Place {
  std::string postgres;         // a word of a shell, without a password
  std::string log;              // " --data ..." or " --brokers ..."; "": nobody knows where it is
  bool lacks_password = false;  // the URL had one: psql and sluice take it from PGPASSWORD

  // What commands of ours have behind them.
  [[nodiscard]] std::string postgres_flag() const { return " --postgres " + postgres; }
};

// Of Postgres alone.
[[nodiscard]] Place place_of(const std::string& url);
// A URL that the shell has in SLUICE_POSTGRES is named so. A log that was not named is where the
// processes that project say that theirs is. Throws Retryable.
[[nodiscard]] Place place_of(PgConnection& postgres, const std::string& url, const LogOptions& log);

}  // namespace sluice
