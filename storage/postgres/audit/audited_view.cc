#include "storage/postgres/audit/audited_view.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <charconv>
#include <utility>

#include "schemas/descriptors/belonging.h"
#include "schemas/descriptors/words.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/audit/cells.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::Message;

// No statement begins later in a snapshot.
constexpr std::chrono::seconds kBeginsWithin{1};
// Of JSON that Postgres is asked about at once.
constexpr std::size_t kAskedMax = 1000;
constexpr std::size_t kAskedBytesMax = std::size_t{1} << 20;

std::string column_list(const std::vector<Column>& columns, bool only_key) {
  std::string list;
  for (const Column& column : columns) {
    if (only_key && !column.key) continue;
    list += (list.empty() ? "" : ", ") + quoted(column.field->name());
  }
  return list;
}

// A parameter for each key column, behind so many others.
std::string key_parameters(const std::vector<Column>& columns, std::size_t others) {
  std::string list;
  for (const Column& column : columns) {
    if (!column.key) continue;
    list += (list.empty() ? "$" : ", $") + std::to_string(++others) +
            "::" + std::string(sql_type(column));
  }
  return list;
}

// The key that a row belongs to, from the text of the field that tells it.
std::string owner_of(const Belonging& belonging, std::string_view text) {
  switch (belonging.kind()) {
    case Belonging::Kind::did_of_uri:
      return std::string(did_of_uri(text));
    case Belonging::Kind::first_segment:
      return std::string(first_segment(text));
    case Belonging::Kind::field:
    case Belonging::Kind::engine:
    case Belonging::Kind::partition:
      break;
  }
  return std::string(text);
}

// The same in SQL.
std::string owner_sql(const Belonging& belonging) {
  std::string field = quoted(belonging.field().name());
  switch (belonging.kind()) {
    case Belonging::Kind::did_of_uri:
      return "CASE WHEN starts_with(" + field + ", 'at://') THEN split_part(substr(" + field +
             ", 6), '/', 1) ELSE " + field + " END";
    case Belonging::Kind::first_segment:
      return "split_part(" + field + ", '/', 1)";
    case Belonging::Kind::field:
    case Belonging::Kind::engine:
    case Belonging::Kind::partition:
      break;
  }
  return field;
}

// Where a walk over a table's keys goes on: each value behind its length.
std::string packed(const std::vector<std::string_view>& values) {
  std::string text;
  for (const std::string_view value : values) {
    text += std::to_string(value.size()) + ":" + std::string(value);
  }
  return text;
}

std::vector<std::string> unpacked(std::string_view text) {
  std::vector<std::string> values;
  while (!text.empty()) {
    std::size_t size = 0;
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), size);
    CHECK(fault == std::errc() && *end == ':', "it was packed here");
    text.remove_prefix(static_cast<std::size_t>(end - text.data()) + 1);
    values.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return values;
}

class Rows final : public AuditedRows {
 public:
  Rows(AuditSession& session, const Descriptor& row, std::vector<Column> columns, PgResult found)
      : session_(session),
        table_(table_name(row)),
        belonging_(row),
        columns_(std::move(columns)),
        found_(std::move(found)) {}

  [[nodiscard]] std::size_t size() const override {
    return static_cast<std::size_t>(found_.rows());
  }

  void compare(std::span<const Message* const> expected, RowFaults& faults) const override {
    boost::unordered_flat_map<std::string, int> rows;
    rows.reserve(size());
    for (int i = 0; i < found_.rows(); ++i) rows.emplace(key_text(cells_of(i)), i);
    std::vector<bool> met(size(), false);
    Asked asked;
    RowCells right(columns_);
    for (const Message* message : expected) {
      right.read(*message);
      const auto found = rows.find(key_text(right.cells()));
      if (found == rows.end()) {
        add_whole(RowFault::What::missing, right.cells(), faults);
        continue;
      }
      met[static_cast<std::size_t>(found->second)] = true;
      compare(right.cells(), cells_of(found->second), asked, faults);
    }
    ask(asked, faults);
    for (int i = 0; i < found_.rows(); ++i) {
      if (!met[static_cast<std::size_t>(i)]) {
        add_whole(RowFault::What::extra, cells_of(i), faults);
      }
    }
  }

 private:
  // Cells of JSON that only Postgres can compare, each with the fault that it is if they differ.
  struct Asked {
    std::vector<std::string> expected;
    std::vector<std::string> found;
    std::vector<RowFault> faults;
    std::size_t bytes = 0;
  };

  [[nodiscard]] std::vector<Cell> cells_of(int row) const {
    std::vector<Cell> cells;
    cells.reserve(columns_.size());
    for (int i = 0; i < static_cast<int>(columns_.size()); ++i) {
      cells.push_back(found_.null(row, i) ? Cell() : Cell(found_.text(row, i)));
    }
    return cells;
  }

  [[nodiscard]] std::string key_text(const std::vector<Cell>& cells) const {
    std::string key;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (!columns_[i].key) continue;
      const std::string_view text = cells[i].value_or("");
      key.append(std::to_string(text.size())).append(1, ':').append(text);
    }
    return key;
  }

  [[nodiscard]] RowFault fault(RowFault::What what, const std::vector<Cell>& cells) const {
    RowFault fault;
    fault.what = what;
    fault.table = table_;
    fault.expected = fault.found = "null";
    JsonWriter key;
    key.begin_object();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const Column& column = columns_[i];
      if (column.field == &belonging_.field()) {
        fault.owner = owner_of(belonging_, cells[i].value_or(""));
      }
      if (column.key) key.name(column.field->name()).json(cell_json(column, cells[i]));
    }
    fault.key = key.end_object().take();
    return fault;
  }

  void add_whole(RowFault::What what, const std::vector<Cell>& cells, RowFaults& faults) const {
    RowFault whole = fault(what, cells);
    JsonWriter row;
    row.begin_object();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      row.name(columns_[i].field->name()).json(cell_json(columns_[i], cells[i]));
    }
    (what == RowFault::What::missing ? whole.expected : whole.found) = row.end_object().take();
    faults.add(std::move(whole));
  }

  void compare(const std::vector<Cell>& right, const std::vector<Cell>& found, Asked& asked,
               RowFaults& faults) const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const SameCell same = same_cell(columns_[i], right[i], found[i]);
      if (same == SameCell::yes) continue;
      RowFault differs = fault(RowFault::What::changed, right);
      differs.column = columns_[i].field->name();
      differs.expected = cell_json(columns_[i], right[i]);
      differs.found = cell_json(columns_[i], found[i]);
      if (same == SameCell::no) {
        faults.add(std::move(differs));
        continue;
      }
      // Neither is NULL: then they were told apart.
      asked.expected.emplace_back(right[i].value_or(""));
      asked.found.emplace_back(found[i].value_or(""));
      asked.bytes += asked.expected.back().size() + asked.found.back().size();
      asked.faults.push_back(std::move(differs));
      if (asked.faults.size() >= kAskedMax || asked.bytes >= kAskedBytesMax) ask(asked, faults);
    }
  }

  void ask(Asked& asked, RowFaults& faults) const {
    if (asked.faults.empty()) return;
    const PgResult differ = session_.ready()->run(
        "SELECT n FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS c(e, f, n) "
        "WHERE e::jsonb IS DISTINCT FROM f::jsonb ORDER BY n",
        {array_text(asked.expected), array_text(asked.found)});
    for (int i = 0; i < differ.rows(); ++i) {
      faults.add(std::move(asked.faults[static_cast<std::size_t>(differ.number(i, 0) - 1)]));
    }
    asked = {};
  }

  AuditSession& session_;
  const std::string table_;
  const Belonging belonging_;
  const std::vector<Column> columns_;
  const PgResult found_;
};

}  // namespace

std::optional<ViewPosition> PostgresAuditedView::begin(Partition partition) {
  const AuditSession::Use connection = session_.ready();
  connection->roll_back();
  connection->run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  began_ = std::chrono::steady_clock::now();
  const PgResult found = connection->run(
      "SELECT position, digest, loaded FROM sluice.position WHERE projection = $1 AND "
      "generation = $2 AND partition = $3",
      {projection_, std::to_string(generation_), std::to_string(partition.value)});
  if (found.rows() == 0) return std::nullopt;
  ViewPosition view;
  view.position = Offset{found.number(0, 0)};
  view.digest = Digest{static_cast<std::uint64_t>(found.number(0, 1))};
  view.loaded = found.text(0, 2) == "t";
  return view;
}

void PostgresAuditedView::end() noexcept {
  if (std::exchange(began_, std::nullopt)) session_.as_is()->roll_back();
}

AuditSession::Use PostgresAuditedView::in_snapshot() {
  CHECK(began_.has_value(), "a snapshot was begun");
  if (std::chrono::steady_clock::now() - *began_ > kBeginsWithin) {
    throw Retryable("reading rows for the audit takes over a second: fewer are read at once");
  }
  return session_.as_is();
}

std::string PostgresAuditedView::table_of(const Descriptor& row) const {
  return quoted(generation_schema(projection_, generation_)) + "." + quoted(table_name(row));
}

std::unique_ptr<AuditedRows> PostgresAuditedView::rows_of(const Descriptor& row,
                                                          const std::vector<std::string>& keys) {
  std::vector<Column> columns = columns_of(row);
  PgResult found =
      in_snapshot()->run("SELECT " + column_list(columns, false) + " FROM " + table_of(row) +
                             " WHERE " + owner_sql(Belonging(row)) + " = ANY ($1::text[])",
                         {array_text(keys)});
  return std::make_unique<Rows>(session_, row, std::move(columns), std::move(found));
}

std::unique_ptr<AuditedRows> PostgresAuditedView::rows_between(const Descriptor& row,
                                                               const std::string& key,
                                                               const Message* after,
                                                               const Message* upto) {
  std::vector<Column> columns = columns_of(row);
  std::vector<std::string> parameters{key};
  std::string sql = "SELECT " + column_list(columns, false) + " FROM " + table_of(row) + " WHERE " +
                    owner_sql(Belonging(row)) + " = $1";
  RowCells cells(columns);
  const auto bound = [&](const Message* at, const char* side) {
    if (at == nullptr) return;
    cells.read(*at);
    std::vector<std::string> values;
    for (std::size_t i = 0; i < columns.size(); ++i) {
      if (columns[i].key) values.emplace_back(cells.cells()[i].value_or(""));
    }
    sql += " AND (" + column_list(columns, true) + ") " + side + " (" +
           key_parameters(columns, parameters.size()) + ")";
    parameters.insert(parameters.end(), values.begin(), values.end());
  };
  bound(after, ">");
  bound(upto, "<=");
  PgResult found = in_snapshot()->run(sql, parameters);
  return std::make_unique<Rows>(session_, row, std::move(columns), std::move(found));
}

RowOwners PostgresAuditedView::owners(const Descriptor& row, const std::string& from,
                                      std::size_t limit) {
  const std::vector<Column> columns = columns_of(row);
  const Belonging belonging(row);
  const std::string keys = column_list(columns, true);
  std::string sql = "SELECT " + keys + " FROM " + table_of(row);
  const std::vector<std::string> begin = unpacked(from);
  if (!begin.empty()) {
    sql += " WHERE (" + keys + ") > (" + key_parameters(columns, 0) + ")";
  }
  const PgResult found =
      in_snapshot()->run(sql + " ORDER BY " + keys + " LIMIT " + std::to_string(limit), begin);
  RowOwners owners;
  for (int i = 0; i < found.rows(); ++i) {
    int column = 0;
    while (found.name(column) != belonging.field().name()) ++column;
    std::string owner = owner_of(belonging, found.text(i, column));
    if (owners.owners.empty() || owners.owners.back() != owner) {
      owners.owners.push_back(std::move(owner));
    }
  }
  if (found.rows() == static_cast<int>(limit)) {
    std::vector<std::string_view> last;
    last.reserve(static_cast<std::size_t>(found.columns()));
    for (int i = 0; i < found.columns(); ++i) last.push_back(found.text(found.rows() - 1, i));
    owners.next = packed(last);
  }
  return owners;
}

}  // namespace sluice
