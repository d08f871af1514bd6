#pragma once

// Whether a database that somebody named can be worked on. docs/start_checks.md lists the checks.

#include <string>
#include <vector>

#include "storage/postgres/schema.h"

namespace sluice {

struct DatabaseUse {
  int sessions = 1;          // that this process will hold at once
  bool makes_tables = true;  // else it writes into those that are there
  std::vector<PublishedSchema> schemas;
};

// Misconfigured, in one line that says what to do: it is a standby or read-only, not in UTF-8,
// behind a pooler that gives each transaction another session, has too few sessions or rights for
// this use, or tables that only a newer program knows. Retryable: nobody answers. Takes a second or
// two at most.
void check_database(const std::string& url, const DatabaseUse& use);

}  // namespace sluice
