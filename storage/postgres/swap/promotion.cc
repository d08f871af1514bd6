#include "storage/postgres/swap/promotion.h"

#include "storage/base/errors.h"
#include "storage/postgres/error.h"
#include "storage/postgres/generations.h"
#include "storage/postgres/reader_views.h"
#include "storage/postgres/sql_text.h"
#include "storage/postgres/swap/postgres_swap.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kStatementTimeout{30};

std::optional<GenerationRefusal> require_columns(PgConnection& connection,
                                                 const GenerationPair& pair) {
  const ReaderViews readers = reader_views(connection, pair.domain, pair.other);
  const std::string other = std::to_string(pair.other);
  const std::string anew = "; then `sluice retire " + pair.domain + " --generation " + other +
                           "`, and `sluice rebuild " + pair.domain + "` by the program so changed";
  if (!readers.conflicts.empty()) {
    return GenerationRefusal{"columns",
                             joined(readers.conflicts) +
                                 ": readers' views keep the types of their columns. Give "
                                 "the column another name in schemas/" +
                                 pair.domain + "/tables.proto" + anew};
  }
  const PgResult reads = connection.run(
      "SELECT coalesce(reads_sql, '') FROM sluice.projection WHERE projection = $1 "
      "AND generation = $2",
      {pair.domain, other});
  const std::string why =
      misfit_of_reads(connection, {pair.domain, pair.other}, std::string(reads.text(0, 0)));
  if (why.empty()) return std::nullopt;
  return GenerationRefusal{
      "columns", "what readers call does not go with the tables of generation " + other + ": " +
                     why + ". Change it in schemas/" + pair.domain +
                     "/reads.sql, or keep what it needs in tables.proto" + anew};
}

// Generations whose place was taken, and whose tables are still there. A crash may have left them.
std::vector<GenerationRefusal> retire_left(const std::string& url, const std::string& domain) {
  PgConnection connection(url, kStatementTimeout);
  const PgResult found = connection.run(
      "SELECT g.generation FROM sluice.projection g "
      "JOIN pg_namespace n ON n.nspname = g.projection || '_g' || g.generation "
      "WHERE g.projection = $1 AND g.status = 'retired' ORDER BY 1",
      {domain});
  std::vector<GenerationRefusal> left;
  for (int i = 0; i < found.rows(); ++i) {
    auto refused = retire(url, domain, static_cast<int>(found.number(i, 0)));
    if (!refused) continue;
    refused->reason =
        "generation " + std::string(found.text(i, 0)) + " is left: " + refused->reason;
    left.push_back(*refused);
  }
  return left;
}

Promoted swapped(const std::string& url, const GenerationPair& pair, SwapKind kind,
                 SwapPatience patience) {
  PostgresSwap session(url, pair, kind);
  GenerationSwap swap(session, name_of(pair), patience, GenerationSwap::Clock::now());
  auto done = run_to_end(swap);
  if (auto* refused = std::get_if<GenerationRefusal>(&done)) return *refused;
  return Promotion{pair.other, pair.live, std::get<Positions>(done), retire_left(url, pair.domain)};
}

}  // namespace

std::variant<GenerationPair, GenerationRefusal> promotable(const std::string& url,
                                                           const std::string& domain,
                                                           std::optional<int> generation,
                                                           std::int64_t records_behind) {
  PgConnection connection(url, kStatementTimeout);
  auto chosen = choose_pair(connection, domain, generation, false);
  const auto* pair = std::get_if<GenerationPair>(&chosen);
  if (pair == nullptr || pair->other_status == "live") return chosen;
  if (pair->other_status == "building") {
    return GenerationRefusal{"not_ready", domain + " generation " + std::to_string(pair->other) +
                                              " is building: it is not near the live one yet"};
  }
  if (auto refused = await_owners(connection, *pair)) return *refused;
  if (auto refused = require_near(connection, *pair, records_behind)) return *refused;
  try {
    if (auto refused = require_columns(connection, *pair)) return *refused;
  } catch (const Retryable& failure) {
    if (!timed_out(failure)) throw;
    return GenerationRefusal{"locked",
                             "another command is at work on the schema: " + said(failure)};
  }
  return chosen;
}

Promoted promote(const std::string& url, const GenerationPair& pair, SwapPatience patience) {
  return swapped(url, pair, SwapKind::promote, patience);
}

Promoted promote_itself(const std::string& url, const GenerationPair& pair, SwapPatience patience) {
  return swapped(url, pair, SwapKind::promote_itself, patience);
}

Promoted roll_back(const std::string& url, const std::string& domain, SwapPatience patience) {
  PgConnection connection(url, kStatementTimeout);
  auto chosen = standing_pair(connection, domain);
  if (auto* refused = std::get_if<GenerationRefusal>(&chosen)) return *refused;
  const GenerationPair& pair = std::get<GenerationPair>(chosen);
  if (auto refused = await_owners(connection, pair)) return *refused;
  connection.disconnect();
  return swapped(url, pair, SwapKind::roll_back, patience);
}

}  // namespace sluice
