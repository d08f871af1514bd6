#include "storage/postgres/swap/comparison.h"

#include <algorithm>
#include <optional>
#include <set>
#include <thread>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/compared_rows.h"
#include "storage/postgres/error.h"
#include "storage/postgres/generation_tables.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"
#include "storage/postgres/swap/comparison_sql.h"
#include "storage/postgres/swap/expectation.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

// A large table takes its time.
constexpr std::chrono::hours kStatementTimeout{4};
constexpr std::chrono::milliseconds kBetweenSnapshots{500};
constexpr std::string_view kAsOf = "as_of";

// By the program's descriptors, else by what the catalogue tells.
ComparedRow row_of(const google::protobuf::FileDescriptor* tables, const std::string& name,
                   bool has_as_of) {
  for (const auto* row : tables == nullptr ? std::vector<const google::protobuf::Descriptor*>{}
                                           : published_rows(*tables)) {
    if (table_name(*row) == name) return compared_row(*row);
  }
  return has_as_of ? computed_row() : ComparedRow();
}

const char* type_of(RefusedTable::Kind kind) {
  switch (kind) {
    case RefusedTable::Kind::text:
      return "text";
    case RefusedTable::Kind::number:
      return "bigint";
    case RefusedTable::Kind::time:
      return "timestamp with time zone";
    case RefusedTable::Kind::bytes:
      return "bytea";
    case RefusedTable::Kind::flag:
      return "boolean";
  }
  return "";
}

std::string from(const std::string& domain, int generation, const CatalogueTable* table) {
  if (table == nullptr) return "";
  return quoted(generation_schema(domain, generation)) + "." + quoted(table->name);
}

// Empty: the table has no column of that name, or there is none.
std::string type_in(const CatalogueTable* table, const TableColumn& column) {
  const TableColumn* const found = table == nullptr ? nullptr : table->find(column.name);
  return found == nullptr ? "" : found->type;
}

// Its columns in the order of the new one, behind them those that only the old one has.
ComparedTable compared_table(const GenerationPair& pair, const CatalogueTable* old_table,
                             const CatalogueTable* new_table, const ComparedRow& computed) {
  const CatalogueTable& either = new_table != nullptr ? *new_table : *old_table;
  ComparedTable made{.name = either.name,
                     .old_rows = from(pair.domain, pair.live, old_table),
                     .new_rows = from(pair.domain, pair.other, new_table),
                     .keys = either.keys(),
                     .columns = {},
                     .undecided = {}};
  for (const CatalogueTable* table : {new_table, old_table}) {
    if (table == nullptr) continue;
    for (const TableColumn& column : table->columns) {
      const bool known = std::ranges::count(made.columns, column.name, &ComparedColumn::name) > 0;
      if (known) continue;
      made.columns.push_back({column.name, type_in(old_table, column), type_in(new_table, column),
                              !computed.left_out.contains(column.name)});
    }
  }
  return made;
}

// What was refused or decided of a projection, as a table of each generation.
ComparedTable refused_table(const GenerationPair& pair, const RefusedTable& refused) {
  const std::string name(refused.name);
  ComparedTable made{
      .name = name,
      .old_rows = {},
      .new_rows = {},
      .keys = {"partition", "position"},
      .columns = {{"partition", "integer", "integer"}, {"position", "bigint", "bigint"}},
      .undecided = {}};
  std::string list = "partition, position";
  for (const auto& [column, kind] : refused.columns) {
    made.columns.push_back({std::string(column), type_of(kind), type_of(kind)});
    list += ", " + quoted(column);
  }
  const auto rows = [&](int generation) {
    return "(SELECT " + list + " FROM " + name + " WHERE projection = " + sql_literal(pair.domain) +
           " AND generation = " + std::to_string(generation) + ")";
  };
  made.old_rows = rows(pair.live);
  made.new_rows = rows(pair.other);
  return made;
}

class Comparing final : public ComparisonSession {
 public:
  Comparing(const std::string& url, const GenerationPair& pair, const ComparisonOptions& options)
      : pair_(pair), options_(options), holder_(url), snapshot_(url, kStatementTimeout) {
    holder_.heed(options.stop);
    snapshot_.heed(options.stop);
  }

  std::variant<Comparison, GenerationRefusal> run() {
    if (auto refused = read_tables()) return *refused;
    const auto deadline = Clock::now() + options_.patience;
    for (;;) {
      Comparison made{.generation = pair_.other,
                      .against = pair_.live,
                      .positions = {},
                      .tables = {},
                      .columns_added = added_,
                      .columns_dropped = dropped_};
      EqualSnapshot meeting(*this, name_of(pair_));
      auto met = run_to_end(meeting);
      if (auto* refused = std::get_if<GenerationRefusal>(&met)) return std::move(*refused);
      made.positions = std::get<Positions>(std::move(met));
      const std::int64_t undecided = compare_all(made);
      snapshot_.roll_back();
      if (undecided == 0 || Clock::now() >= deadline) return made;
      std::this_thread::sleep_for(kBetweenSnapshots);
    }
  }

  void lock_live() override {
    begin_holding(holder_);
    lock_positions(holder_, pair_.domain, pair_.live);
  }
  PairStand look() override;
  void release() noexcept override { holder_.roll_back(); }
  [[nodiscard]] std::optional<std::string> not_in_time(const Retryable& failure) const override {
    if (!timed_out(failure)) return std::nullopt;
    return said(failure);
  }
  [[nodiscard]] std::optional<GenerationRefusal> await_owners() override {
    return sluice::await_owners(holder_, pair_);
  }

 private:
  std::optional<GenerationRefusal> read_tables();
  // How many rows are undecided.
  std::int64_t compare_all(Comparison& made);
  [[nodiscard]] TableComparison compare_one(const ComparedTable& table);
  // A query for what is to be computed in either generation; "": nothing is.
  [[nodiscard]] std::string due_sql();
  [[nodiscard]] std::optional<std::vector<EmissionComparison>> compare_emitted();

  const GenerationPair pair_;
  const ComparisonOptions options_;
  PgConnection holder_;
  PgConnection snapshot_;
  std::vector<ComparedTable> tables_;
  std::vector<std::size_t> computed_;  // of tables_
  std::vector<std::string> added_;
  std::vector<std::string> dropped_;
};

std::optional<GenerationRefusal> Comparing::read_tables() {
  const auto old_tables = generation_tables(snapshot_, pair_.domain, pair_.live);
  const auto new_tables = generation_tables(snapshot_, pair_.domain, pair_.other);
  std::set<std::string> names;
  for (const auto* side : {&old_tables, &new_tables}) {
    for (const CatalogueTable& table : *side) names.insert(table.name);
  }
  for (const std::string& name : names) {
    const CatalogueTable* const o = find_table(old_tables, name);
    const CatalogueTable* const n = find_table(new_tables, name);
    const CatalogueTable& either = n != nullptr ? *n : *o;
    if (either.keys().empty() || (o != nullptr && n != nullptr && o->keys() != n->keys())) {
      return GenerationRefusal{
          "columns", "the key of " + name + " is " + joined(either.keys()) + " in generation " +
                         std::to_string(pair_.other) +
                         (o == nullptr ? "" : " and " + joined(o->keys()) + " in the live one")};
    }
    const ComparedRow computed = row_of(options_.tables, name, either.find(kAsOf) != nullptr);
    tables_.push_back(compared_table(pair_, o, n, computed));
    if (computed.computed) computed_.push_back(tables_.size() - 1);
    for (const ComparedColumn& column : tables_.back().columns) {
      if (column.old_type.empty()) added_.push_back(name + "." + column.name);
      if (column.new_type.empty()) dropped_.push_back(name + "." + column.name);
    }
  }
  for (const RefusedTable& refused : refused_tables()) {
    tables_.push_back(refused_table(pair_, refused));
  }
  const Expectation expectation(options_.expected, tables_);
  for (ComparedTable& table : tables_) expectation.apply(table);
  return std::nullopt;
}

PairStand Comparing::look() {
  snapshot_.roll_back();
  snapshot_.run(
      "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
      "SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL work_mem = '64MB'; "
      // Nobody else ends the statement of a process that has gone.
      "SET LOCAL client_connection_check_interval = '2s'; "
      // Rows lie about as their keys do where they were loaded, which a join by their order gains
      // by.
      "SET LOCAL random_page_cost = 1.1; SET LOCAL jit = off");
  PairStand stand = sluice::look(snapshot_, pair_);
  if (!stand.equal) snapshot_.roll_back();
  return stand;
}

// The two may show the rows of such keys as of different positions.
std::string Comparing::due_sql() {
  const std::string keys =
      "SELECT DISTINCT key FROM sluice.due WHERE projection = " + sql_literal(pair_.domain) +
      " AND generation IN (" + std::to_string(pair_.live) + ", " + std::to_string(pair_.other) +
      ")";
  return snapshot_.run(keys + " LIMIT 1").rows() > 0 ? keys : "";
}

std::int64_t Comparing::compare_all(Comparison& made) {
  const std::string due = computed_.empty() ? "" : due_sql();
  for (const std::size_t at : computed_) tables_[at].undecided = due;
  std::int64_t undecided = 0;
  for (const ComparedTable& table : tables_) {
    made.tables.push_back(compare_one(table));
    made.unexpected += made.tables.back().unexpected;
    undecided += made.tables.back().undecided;
  }
  made.emitted = compare_emitted();
  return undecided;
}

std::optional<std::vector<EmissionComparison>> Comparing::compare_emitted() {
  const bool by_live = tells_emissions(snapshot_, pair_.domain, pair_.live);
  const bool by_other = tells_emissions(snapshot_, pair_.domain, pair_.other);
  std::vector<EmissionComparison> streams;
  if (!by_live && !by_other && !options_.emits) return streams;
  if (!by_live || !by_other) return std::nullopt;
  const auto rows_of = [&](int generation) {
    return quoted(generation_schema(pair_.domain, generation)) + "." +
           quoted(table_name(emission_row()));
  };
  const PgResult rows = snapshot_.run(
      "SELECT stream, count(*) FILTER (WHERE same), count(*) FILTER (WHERE NOT same) FROM (SELECT "
      "stream, coalesce(o.records = n.records AND o.digest = n.digest, false) AS same FROM " +
      rows_of(pair_.live) + " o FULL JOIN " + rows_of(pair_.other) +
      " n USING (key, stream)) AS pairs GROUP BY stream ORDER BY stream");
  for (int i = 0; i < rows.rows(); ++i) {
    streams.push_back({std::string(rows.text(i, 0)), rows.number(i, 1), rows.number(i, 2)});
  }
  return streams;
}

TableComparison Comparing::compare_one(const ComparedTable& table) {
  const PgResult counts = snapshot_.run(counts_sql(table));
  TableComparison made{.table = table.name,
                       .same = counts.number(0, 0),
                       .added = counts.number(0, 1),
                       .missing = counts.number(0, 2),
                       .changed = counts.number(0, 3),
                       .undecided = counts.number(0, 4),
                       .unexpected = counts.number(0, 5),
                       .columns = {},
                       .samples = {}};
  int at = 5;
  for (const ComparedColumn* column : table.compared()) {
    if (const std::int64_t rows = counts.number(0, ++at); rows > 0) {
      made.columns.emplace_back(column->name, rows);
    }
  }
  if (made.added + made.missing + made.changed == 0 || options_.samples == 0) return made;
  const PgResult rows = snapshot_.run(samples_sql(table, options_.samples));
  for (int i = 0; i < rows.rows(); ++i) {
    made.samples.push_back(
        {std::string(rows.text(i, 0)), std::string(rows.text(i, 1)), std::string(rows.text(i, 2))});
  }
  return made;
}

}  // namespace

std::variant<Comparison, GenerationRefusal> compare(const std::string& url,
                                                    const GenerationPair& pair,
                                                    const ComparisonOptions& options) {
  return Comparing(url, pair, options).run();
}

std::unique_ptr<ComparisonSession> comparison_session(const std::string& url,
                                                      const GenerationPair& pair) {
  return std::make_unique<Comparing>(url, pair, ComparisonOptions{});
}

}  // namespace sluice
