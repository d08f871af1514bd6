#include "tests/integration/postgres_seen.h"

#include <utility>

#include "storage/postgres/connection.h"

namespace sluice::testing {

PostgresSeen::PostgresSeen(std::string url, int generation)
    : url_(std::move(url)), generation_(std::to_string(generation)) {}

std::vector<std::string> PostgresSeen::texts(const std::string& sql) const {
  const PgResult rows = PgConnection(url_).run(sql);
  std::vector<std::string> all;
  for (int i = 0; i < rows.rows(); ++i) all.emplace_back(rows.text(i, 0));
  return all;
}

std::string PostgresSeen::of(Partition partition) const {
  return " WHERE projection = 'shapes' AND generation = " + generation_ +
         " AND partition = " + std::to_string(partition.value);
}

std::vector<std::int64_t> PostgresSeen::positions(const std::string& table,
                                                  Partition partition) const {
  std::vector<std::int64_t> all;
  for (const std::string& text :
       texts("SELECT position FROM " + table + of(partition) + " ORDER BY position")) {
    all.push_back(std::stoll(text));
  }
  return all;
}

std::vector<std::string> PostgresSeen::ids() const {
  return texts("SELECT id FROM shapes_g" + generation_ + ".only_key ORDER BY id");
}

std::vector<std::string> PostgresSeen::due(Partition partition) const {
  return texts("SELECT key FROM sluice.due" + of(partition) + " ORDER BY 1");
}

std::vector<std::int64_t> PostgresSeen::rejected(Partition partition) const {
  return positions("sluice.rejection", partition);
}

std::vector<std::int64_t> PostgresSeen::quarantined(Partition partition) const {
  return positions("sluice.quarantine", partition);
}

std::vector<std::int64_t> PostgresSeen::beyond_limit(Partition partition) const {
  return positions("(SELECT * FROM sluice.quarantine WHERE beyond_limit) AS beyond", partition);
}

std::vector<std::int64_t> PostgresSeen::aged_out(Partition partition) const {
  return positions("(SELECT * FROM sluice.quarantine WHERE bytes IS NULL) AS aged_out", partition);
}

std::vector<std::string> PostgresSeen::decisions(Partition partition) const {
  return texts(
      "SELECT concat_ws(' ', position, kind, coalesce(\"offset\"::text, '-'), who, why) "
      "FROM sluice.decision" +
      of(partition) + " ORDER BY position");
}

}  // namespace sluice::testing
