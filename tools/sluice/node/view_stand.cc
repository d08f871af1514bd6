#include "tools/sluice/node/view_stand.h"

#include <algorithm>

namespace sluice {

bool ViewStand::stands() const {
  return std::ranges::any_of(positions, [](const auto& each) {
    return each.second.position > Offset{0} || each.second.log.has_value();
  });
}

ViewStands StandingViews::read() {
  ViewStands stands;
  const PgResult there =
      connection_.run("SELECT to_regclass('sluice.projection'), to_regclass('sluice.position')");
  if (there.null(0, 0) || there.null(0, 1)) return stands;
  // Columns that an older schema lacks are null.
  const PgResult rows = connection_.run(
      "SELECT g.projection, to_jsonb(g)->>'log', g.partitions, p.partition, p.position, p.digest, "
      "to_jsonb(p)->>'log_identity' FROM sluice.projection g "
      "LEFT JOIN sluice.position p USING (projection, generation) WHERE g.live");
  for (int i = 0; i < rows.rows(); ++i) {
    ViewStand& stand = stands[std::string(rows.text(i, 0))];
    stand.log = rows.text(i, 1);
    stand.partitions = static_cast<int>(rows.number(i, 2));
    if (rows.null(i, 3)) continue;
    ViewPosition& view = stand.positions[Partition{static_cast<std::int32_t>(rows.number(i, 3))}];
    view.position = Offset{rows.number(i, 4)};
    view.digest = Digest{static_cast<std::uint64_t>(rows.number(i, 5))};
    view.log = parse_identity(rows.text(i, 6));
  }
  return stands;
}

void StandingViews::bind(std::string_view projection, std::string_view log) {
  connection_.run(
      "UPDATE sluice.projection SET log = $2 WHERE projection = $1 AND live AND log IS NULL",
      {projection, log});
}

}  // namespace sluice
