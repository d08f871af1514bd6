#include "storage/postgres/published_rows.h"

#include <chrono>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/postgres/copy_text.h"
#include "storage/postgres/schema.h"

namespace sluice {
namespace {

// A large table takes its time to be compared.
constexpr std::chrono::hours kStatementTimeout{4};
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

std::string quoted(std::string_view name) { return "\"" + std::string(name) + "\""; }

// The pieces of SQL about a row type that comparing needs; `e` is expected, `t` the table.
struct ComparisonSql {
  explicit ComparisonSql(const std::vector<Column>& columns) {
    for (const Column& column : columns) {
      const std::string name = quoted(column.field->name());
      const auto add = [&](std::string& list, const std::string& piece, std::string_view between) {
        if (!list.empty()) list += between;
        list += piece;
      };
      add(all, name, ", ");
      if (is_measured(*column.field)) continue;
      if (column.key) {
        add(same_key, "t." + name + " = e." + name, " AND ");
        add(key_text, "coalesce(t." + name + ", e." + name + ")::text", " || ' ' || ");
        if (one_key.empty()) one_key = name;
      } else {
        add(differs, "t." + name + " IS DISTINCT FROM e." + name, " OR ");
        add(cells,
            "t." + name + "::text, e." + name + "::text, t." + name + " IS DISTINCT FROM e." + name,
            ", ");
        names.push_back(column.field->name());
      }
    }
    if (differs.empty()) differs = "false";
  }

  std::string all;
  std::string same_key;
  std::string key_text;
  std::string one_key;
  std::string differs;
  std::string cells;
  std::vector<std::string> names;  // of the columns in `cells`
};

std::string shown_text(const PgResult& result, int row, int column) {
  return result.null(row, column) ? "null" : std::string(result.text(row, column));
}

// `row` of `found`: its key, whether the table lacks it, whether what is expected does, and of each
// column of `names` both values and whether they differ.
void add_differences(const PgResult& found, int row, const std::string& table,
                     const std::vector<std::string>& names, std::vector<RowDifference>& made) {
  const std::string key(found.text(row, 0));
  if (found.text(row, 1) == "t") return made.push_back({table, key, "", "a row", "none"});
  if (found.text(row, 2) == "t") return made.push_back({table, key, "", "no row", "one"});
  for (std::size_t c = 0; c < names.size(); ++c) {
    const int at = 3 + 3 * static_cast<int>(c);
    if (found.text(row, at + 2) != "t") continue;
    made.push_back(
        {table, key, names[c], shown_text(found, row, at + 1), shown_text(found, row, at)});
  }
}

}  // namespace

PublishedRows::PublishedRows(std::string url, std::string projection, int generation)
    : projection_(std::move(projection)),
      generation_(generation),
      connection_(std::move(url), kStatementTimeout) {}

void PublishedRows::begin_snapshot() {
  connection_.connect();
  connection_.run("SET idle_in_transaction_session_timeout = '4h'");
  connection_.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
}

void PublishedRows::end_snapshot() { connection_.roll_back(); }

std::map<std::string, std::optional<std::int64_t>> PublishedRows::as_ofs(
    const std::vector<const google::protobuf::Descriptor*>& tables) {
  std::string all;
  for (const auto* row : tables) {
    if (!is_computed(*row)) continue;
    const bool says = row->FindFieldByName("as_of") != nullptr;
    all += (all.empty() ? "" : " UNION ALL ") + std::string("SELECT DISTINCT ") +
           quoted(key_fields(*row).front()->name()) + ", " + (says ? "as_of" : "NULL::bigint") +
           " FROM " + quoted(generation_schema(projection_, generation_)) + "." +
           quoted(table_name(*row));
  }
  std::map<std::string, std::optional<std::int64_t>> found;
  if (all.empty()) return found;
  const PgResult rows = connection_.run("SELECT key, max(as_of) FROM (" + all +
                                        ") AS computed(key, as_of) GROUP BY key");
  for (int i = 0; i < rows.rows(); ++i) {
    auto& as_of = found[std::string(rows.text(i, 0))];
    if (!rows.null(i, 1)) as_of = rows.number(i, 1);
  }
  return found;
}

std::map<Partition, ViewPosition> PublishedRows::positions() {
  const PgResult result = connection_.run(
      "SELECT partition, position, digest, emits_from, owner, published, log_identity, loaded, "
      "folded "
      "FROM sluice.position WHERE projection = $1 AND generation = $2",
      {projection_, std::to_string(generation_)});
  std::map<Partition, ViewPosition> positions;
  for (int i = 0; i < result.rows(); ++i) {
    positions[Partition{static_cast<std::int32_t>(result.number(i, 0))}] = {
        Offset{result.number(i, 1)},
        Digest{static_cast<std::uint64_t>(result.number(i, 2))},
        Offset{result.number(i, 3)},
        std::string(result.text(i, 4)),
        result.number(i, 5),
        {},
        parse_identity(result.text(i, 6)),
        result.text(i, 7) == "t",
        Offset{result.number(i, 8)}};
  }
  return positions;
}

// All in memory: decisions are made by people, one at a time.
RowComparison PublishedRows::compare_decisions(
    const std::map<Partition, std::vector<Decision>>& expected, int shown) {
  std::map<std::string, std::string> wanted;  // what a row says, by its key
  for (const auto& [partition, decisions] : expected) {
    for (const Decision& decision : decisions) {
      wanted.emplace(
          std::to_string(partition.value) + " " + std::to_string(decision.position.value),
          std::string(word_of(decision.kind)) + " " +
              (decision.offset ? std::to_string(decision.offset->value) : "null") + " " +
              std::to_string(decision.at.time_since_epoch().count()) + " " +
              storable_text(decision.who) + " " + storable_text(decision.why));
    }
  }
  const PgResult found = connection_.run(
      "SELECT partition || ' ' || position, kind || ' ' || coalesce(\"offset\"::text, 'null') || "
      "' ' || round(extract(epoch FROM at) * 1000)::bigint || ' ' || who || ' ' || why "
      "FROM sluice.decision WHERE projection = $1 AND generation = $2",
      {projection_, std::to_string(generation_)});
  RowComparison made;
  const auto differs = [&](const std::string& key, std::string want, std::string is) {
    ++made.differences;
    if (static_cast<int>(made.first.size()) >= shown) return;
    made.first.push_back({"sluice.decision", key, "", std::move(want), std::move(is)});
  };
  for (int row = 0; row < found.rows(); ++row, ++made.rows) {
    const auto want = wanted.extract(std::string(found.text(row, 0)));
    const std::string is(found.text(row, 1));
    if (!want) {
      differs(std::string(found.text(row, 0)), "no row", is);
    } else if (want.mapped() != is) {
      differs(want.key(), want.mapped(), is);
    }
  }
  for (const auto& [key, want] : wanted) {
    ++made.rows;
    differs(key, want, "none");
  }
  return made;
}

RowComparison PublishedRows::compare(const google::protobuf::Descriptor& row,
                                     const std::function<const google::protobuf::Message*()>& next,
                                     int shown) {
  const std::vector<Column> columns = columns_of(row);
  const ComparisonSql sql(columns);
  const std::string name = table_name(row);
  const std::string table =
      quoted(generation_schema(projection_, generation_)) + "." + quoted(name);
  const std::string expected = "pg_temp." + quoted("expected_" + name);
  connection_.run("CREATE TEMP TABLE " + quoted("expected_" + name) + " ON COMMIT DROP AS SELECT " +
                  sql.all + " FROM " + table + " WITH NO DATA");
  const std::string copy = "COPY " + expected + " FROM STDIN";
  std::string lines;
  std::string scratch;
  while (const google::protobuf::Message* message = next()) {
    append_line(*message, columns, false, lines, scratch);
    if (lines.size() < kPieceBytes) continue;
    connection_.copy_in(copy, lines);
    lines.clear();
  }
  connection_.copy_in(copy, lines);
  connection_.run("ANALYZE " + expected);

  const std::string joined =
      " FROM " + table + " t FULL JOIN " + expected + " e ON " + sql.same_key;
  const std::string differs =
      "(t." + sql.one_key + " IS NULL OR e." + sql.one_key + " IS NULL OR " + sql.differs + ")";
  const PgResult counts =
      connection_.run("SELECT count(*), count(*) FILTER (WHERE " + differs + ")" + joined);
  RowComparison comparison{counts.number(0, 0), counts.number(0, 1), {}};
  if (comparison.differences == 0) return comparison;

  const PgResult rows =
      connection_.run("SELECT " + sql.key_text + ", t." + sql.one_key + " IS NULL, e." +
                      sql.one_key + " IS NULL" + (sql.cells.empty() ? "" : ", " + sql.cells) +
                      joined + " WHERE " + differs + " ORDER BY 1 LIMIT " + std::to_string(shown));
  for (int i = 0; i < rows.rows(); ++i) add_differences(rows, i, name, sql.names, comparison.first);
  return comparison;
}

}  // namespace sluice
