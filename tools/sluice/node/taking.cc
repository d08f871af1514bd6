#include "tools/sluice/node/taking.h"

#include <string_view>

namespace sluice {

NotTaken not_taken(PgConnection& asked, std::span<const Projection> projections,
                   const std::string& begun) {
  NotTaken found;
  for (const Projection& projection : projections) {
    // Where readers see another version than ours, nobody may have it while ours is built.
    const PgResult rows = asked.run(
        "SELECT f.partition, f.trouble, f.trouble LIKE 'no process %' AND g.version = $3 "
        "FROM sluice.freshness f JOIN sluice.projection g ON g.projection = f.projection AND "
        "g.live "
        "WHERE f.projection = $1 AND (f.trouble <> '' OR NOT f.owned OR now() - f.silent < $2) "
        "ORDER BY 1",
        {projection.name, begun, std::to_string(projection.version)});
    for (int i = 0; i < rows.rows(); ++i) {
      const std::string_view why = rows.text(i, 1);
      if (why.empty() || rows.text(i, 2) == "t") found.all_told = false;
      found.partitions.push_back(std::string(projection.name) + ":" + std::string(rows.text(i, 0)) +
                                 ": " + std::string(why.empty() ? "not taken yet" : why));
    }
  }
  return found;
}

}  // namespace sluice
