#include "tests/integration/built_shapes.h"

#include "schemas/descriptors/row_options.h"
#include "shapes/tables.pb.h"
#include "storage/base/check.h"
#include "storage/postgres/generations.h"
#include "tests/contract/building.h"
#include "tests/integration/fresh_database.h"

namespace sluice::testing {

PublishedSchema shapes_schema(int version) {
  return {.domain = "shapes",
          .tables = shapes::OnlyKey::descriptor()->file(),
          .version = version,
          .partitions = 2};
}

ShapesSession::ShapesSession(const std::string& url, int generation)
    : sink({url, "shapes", generation, published_rows(*shapes::OnlyKey::descriptor()->file())}) {}

BuiltShapes::BuiltShapes() : url_(fresh_database()) {
  const PublishedSchema schema = shapes_schema();
  apply_schema(url_, {&schema, 1});
  const MadeGeneration made = make_generation(url_, schema, {});
  CHECK(made.number == 2 && made.made, "the first beside the live one");
}

std::string BuiltShapes::value(const std::string& sql) const {
  const PgResult result = ask(sql);
  CHECK(result.rows() > 0, "it has a first row");
  return result.null(0, 0) ? "null" : std::string(result.text(0, 0));
}

void BuiltShapes::load() {
  ShapesSession live(url_, 1);
  ShapesSession built(url_, 2);
  for (const int p : {0, 1}) {
    live.sink.claim(Partition{p}, "live");
    flush_ids(live.sink, Partition{p}, "live", true, 0, 10);
    built.sink.claim(Partition{p}, "me");
    load_ids(built.builder, Partition{p}, "me", 10, {"row" + std::to_string(p)});
  }
}

std::string BuiltShapes::keys() const {
  return value(
      "SELECT count(*) FILTER (WHERE indisprimary) || ' ' || "
      "count(*) FILTER (WHERE NOT indisprimary) "
      "FROM pg_index WHERE indrelid::regclass::text LIKE 'shapes_g2.%'");
}

}  // namespace sluice::testing
