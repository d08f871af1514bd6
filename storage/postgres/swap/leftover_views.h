#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/postgres/generations.h"

namespace sluice {

// Takes out of a domain's views what no generation has any more: columns, and views whose tables
// were `gone`. A view cannot lose columns where it stands, so it is dropped and made again, with
// what depends on it, in the transaction at hand. Refused as "needed", which leaves the transaction
// to be rolled back, where that is not all ours. Retryable (55P03): somebody uses the views.
[[nodiscard]] std::optional<GenerationRefusal> take_out_leftovers(
    PgConnection& connection, const std::string& domain, const std::vector<std::string>& gone);

}  // namespace sluice
