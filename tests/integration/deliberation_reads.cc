#include "tests/integration/deliberation_reads.h"

#include "deliberation/tables.pb.h"
#include "schemas/descriptors/domain.h"
#include "storage/postgres/private_cluster.h"
#include "storage/postgres/schema.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

std::string database_with_schema() {
  static const TempDir folder;
  static const PrivateCluster cluster(folder.path() / "cluster");
  static int count = 0;
  const std::string name = "reads" + std::to_string(++count);
  PgConnection(cluster.url()).run("CREATE DATABASE " + name);
  const std::string url = cluster.url().substr(0, cluster.url().rfind('/') + 1) + name;
  for (const Domain& domain : domains()) {
    if (domain.name != "deliberation") continue;
    const PublishedSchema schema{.domain = domain.name,
                                 .tables = deliberation::Feed::descriptor()->file(),
                                 .tables_source = domain.tables_source,
                                 .reads_sql = domain.reads_sql};
    apply_schema(url, {&schema, 1});
    // Reads are made again as they are.
    apply_schema(url, {&schema, 1});
  }
  return url;
}

std::string time_of(std::int64_t seconds) {
  return seconds < 0 ? "NULL" : "to_timestamp(" + std::to_string(seconds) + ")";
}

}  // namespace

DeliberationReads::DeliberationReads() : connection_(database_with_schema()) {}

void DeliberationReads::show(const std::vector<Shown>& rows) {
  std::string values;
  for (const Shown& row : rows) {
    values += (values.empty() ? "('" : ", ('") + row.id + "', " + time_of(row.created_at) + ", " +
              time_of(row.last_reacted_at) + ", " + std::to_string(row.opinions) + ", " +
              std::to_string(row.votes) + ", " + std::to_string(row.participants) + ")";
  }
  if (values.empty()) return;
  connection_.run(
      "INSERT INTO deliberation_g1.feed (conversation_id, created_at, last_reacted_at, "
      "opinion_count, vote_count, participant_count) VALUES " +
      values +
      " ON CONFLICT (conversation_id) DO UPDATE SET created_at = excluded.created_at, "
      "last_reacted_at = excluded.last_reacted_at, opinion_count = excluded.opinion_count, "
      "vote_count = excluded.vote_count, participant_count = excluded.participant_count");
}

DeliberationReads::Page DeliberationReads::page(const std::string& feed, int limit,
                                                const std::string& cursor) {
  const std::string now = feed == "feed_new" ? "" : time_of(kNow) + ", ";
  const PgResult rows =
      connection_.run("SELECT conversation_id, next_cursor FROM deliberation." + feed + "(" + now +
                          std::to_string(limit) + ", nullif($1, ''))",
                      {cursor});
  Page page;
  for (int i = 0; i < rows.rows(); ++i) page.ids.emplace_back(rows.text(i, 0));
  if (rows.rows() > 0) page.next = rows.text(rows.rows() - 1, 1);
  return page;
}

std::string DeliberationReads::value(const std::string& sql) {
  return std::string(connection_.run(sql).text(0, 0));
}

}  // namespace sluice::testing
