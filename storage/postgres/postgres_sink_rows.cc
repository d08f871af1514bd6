// What a flush has for the tables: rows that changed, computed rows, what was refused.

#include "schemas/descriptors/belonging.h"
#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/check.h"
#include "storage/postgres/array_text.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/sql_text.h"

namespace sluice {
namespace {

std::string array(std::span<const Offset> positions) {
  ArrayText list;
  for (const Offset position : positions) list.add(position.value);
  return list.text();
}

// Of every key, what it has of the table of this number.
std::vector<const google::protobuf::Message*> rows_of_table(
    std::span<const ComputedRows* const> computed, std::size_t number) {
  std::vector<const google::protobuf::Message*> rows;
  for (const ComputedRows* of_key : computed) {
    const ComputedRows::Table& table = of_key->tables.at(number);
    CHECK(table.row == computed.front()->tables[number].row,
          "every key has rows of the same tables");
    for (const auto& row : table.rows) rows.push_back(row.get());
  }
  return rows;
}

// Whether row t belongs to the key $1.
std::string belongs(const google::protobuf::Descriptor& row) {
  const Belonging belonging(row);
  const std::string field = "t." + quoted(belonging.field().name());
  switch (belonging.kind()) {
    case Belonging::Kind::first_segment:
      return "split_part(" + field + ", '/', 1) = $1";
    case Belonging::Kind::did_of_uri:
      return "CASE WHEN starts_with(" + field + ", 'at://') THEN split_part(substr(" + field +
             ", 6), '/', 1) ELSE " + field + " END = $1";
    case Belonging::Kind::field:
      return field + " = $1";
    case Belonging::Kind::engine:
    case Belonging::Kind::partition:
      break;
  }
  CHECK(false, "rows that are repaired belong to a key");
}

}  // namespace

PostgresSink::Names PostgresSink::names_of(const google::protobuf::Descriptor& row) const {
  Names names;
  for (const Column& column : columns_of(row)) {
    const std::string name = quoted(column.field->name());
    names.all.push_back(name);
    (column.key ? names.keys : names.values).push_back(name);
    std::string& pairs = column.key ? names.same_key : names.set;
    if (!pairs.empty()) pairs += column.key ? " AND " : ", ";
    pairs += column.key ? "t." + name + " = e." + name : name + " = excluded." + name;
  }
  names.table = quoted(generation_schema(config_.projection, config_.generation)) + "." +
                quoted(table_name(row));
  names.upsert = quoted("upsert_" + table_name(row));
  names.erase = quoted("erase_" + table_name(row));
  return names;
}

PostgresSink::Plan PostgresSink::plan_of(const google::protobuf::Descriptor& row) const {
  const Names names = names_of(row);
  const auto temporary = [&](const std::string& name, const std::vector<std::string>& columns) {
    return "CREATE TEMP TABLE " + name + " ON COMMIT DELETE ROWS AS SELECT " + joined(columns) +
           " FROM " + names.table + " WITH NO DATA;";
  };
  Plan plan;
  plan.columns = columns_of(row);
  plan.make_temporary = temporary(names.upsert, names.all);
  plan.copy_upserts = "COPY pg_temp." + names.upsert + " FROM STDIN";
  if (is_computed(row)) {
    const std::string of_keys =
        "(SELECT * FROM " + names.table + " WHERE " + names.keys.front() + " = ANY ($1::text[]))";
    plan_whole_keys(names, of_keys, plan);
    return plan;
  }
  plan.make_temporary += temporary(names.erase, names.keys);
  plan.copy_erased = "COPY pg_temp." + names.erase + " FROM STDIN";
  plan.upsert = "INSERT INTO " + names.table + " AS t (" + joined(names.all) + ") SELECT " +
                joined(names.all) + " FROM pg_temp." + names.upsert + " ORDER BY " +
                joined(names.keys) + " ON CONFLICT (" + joined(names.keys) + ") DO ";
  plan.upsert += names.values.empty()
                     ? "NOTHING"
                     : "UPDATE SET " + names.set + " WHERE (" + joined(names.values, "t.") +
                           ") IS DISTINCT FROM (" + joined(names.values, "excluded.") + ")";
  plan.erase = "DELETE FROM " + names.table + " t USING pg_temp." + names.erase + " e WHERE " +
               names.same_key;
  return plan;
}

// ON CONFLICT locks the row that it meets, which writes it, changed or not: of a table that comes
// whole only what differs may get there.
void PostgresSink::plan_whole_keys(const Names& names, const std::string& stored, Plan& plan) {
  const std::string& first_key = names.keys.front();
  plan.erase = "DELETE FROM " + names.table + " t WHERE t." + first_key +
               " = ANY ($1::text[]) AND NOT EXISTS (SELECT FROM pg_temp." + names.upsert +
               " e WHERE " + names.same_key + ")";
  plan.upsert = "INSERT INTO " + names.table + " AS t (" + joined(names.all) + ") SELECT " +
                joined(names.all, "e.") + " FROM pg_temp." + names.upsert + " e LEFT JOIN " +
                stored + " t ON " + names.same_key + " WHERE t." + first_key + " IS NULL";
  if (!names.values.empty()) {
    plan.upsert += " OR (" + joined(names.values, "t.") + ") IS DISTINCT FROM (" +
                   joined(names.values, "e.") + ")";
  }
  plan.upsert += " ORDER BY " + joined(names.keys, "e.") + " ON CONFLICT (" + joined(names.keys) +
                 ") DO " + (names.values.empty() ? "NOTHING" : "UPDATE SET " + names.set);
}

// A flush may have more lines than memory is for: they are sent as they are made.
template <class Items, class Append>
void PostgresSink::copy(const std::string& sql, const Items& items, Append append) {
  constexpr std::size_t kPiece = 256 * 1024;
  connection_.begin_copy(sql);
  lines_.clear();
  for (const auto& item : items) {
    append(item);
    if (lines_.size() < kPiece) continue;
    connection_.put_copy(lines_);
    lines_.clear();
  }
  connection_.put_copy(lines_);
  connection_.end_copy(sql);
}

void PostgresSink::write_rows(const RowChanges& changes) {
  const auto found = plans_.find(changes.row);
  CHECK(found != plans_.end(), "only published rows are flushed, and the sink was told of them");
  const Plan& plan = found->second;
  if (!changes.erased.empty()) {
    copy(plan.copy_erased, changes.erased,
         [&](const auto* row) { append_line(*row, plan.columns, true, lines_, scratch_); });
    connection_.run(plan.erase);
  }
  if (!changes.upserts.empty()) {
    copy(plan.copy_upserts, changes.upserts,
         [&](const auto* row) { append_line(*row, plan.columns, false, lines_, scratch_); });
    connection_.run(plan.upsert);
  }
}

void PostgresSink::write_computed(std::span<const ComputedRows* const> computed) {
  if (computed.empty()) return;
  ArrayText keys;
  for (const ComputedRows* of_key : computed) keys.add(of_key->key);
  for (std::size_t t = 0; t < computed.front()->tables.size(); ++t) {
    const auto* type = computed.front()->tables[t].row;
    const auto rows = rows_of_table(computed, t);
    const auto found = plans_.find(type);
    CHECK(found != plans_.end(), "computed rows are published, and the sink was told of them");
    const Plan& plan = found->second;
    copy(plan.copy_upserts, rows,
         [&](const auto* row) { append_line(*row, plan.columns, false, lines_, scratch_); });
    connection_.run(plan.erase, {keys.text()});
    connection_.run(plan.upsert, {keys.text()});
  }
}

void PostgresSink::write_due(const FlushBatch& batch) {
  const auto change = [&](const std::string& sql, std::span<const std::string> keys) {
    if (keys.empty()) return;
    ArrayText list;
    for (const std::string& key : keys) list.add(key);
    connection_.run(
        sql, {config_.projection, number_, std::to_string(batch.partition.value), list.text()});
  };
  change(
      "INSERT INTO sluice.due (projection, generation, partition, key) "
      "SELECT $1, $2, $3, unnest($4::text[]) ON CONFLICT DO NOTHING",
      batch.became_due);
  change(
      "DELETE FROM sluice.due WHERE projection = $1 AND generation = $2 AND partition = $3 "
      "AND key = ANY ($4::text[])",
      batch.caught_up);
}

// Only what differs is written: a key that is right costs a look.
void PostgresSink::write_repaired(const ComputedRows& of_key) {
  for (const ComputedRows::Table& table : of_key.tables) {
    const auto found = plans_.find(table.row);
    CHECK(found != plans_.end(), "only published rows are repaired, and the sink was told of them");
    const Names names = names_of(*table.row);
    Plan plan = found->second;
    plan_whole_keys(names, names.table, plan);
    // What changed in this flush stands there, too.
    connection_.run("DELETE FROM pg_temp." + names.upsert);
    copy(plan.copy_upserts, table.rows,
         [&](const auto& row) { append_line(*row, plan.columns, false, lines_, scratch_); });
    connection_.run("DELETE FROM " + names.table + " t WHERE " + belongs(*table.row) +
                        " AND NOT EXISTS (SELECT FROM pg_temp." + names.upsert + " e WHERE " +
                        names.same_key + ")",
                    {of_key.key});
    connection_.run(plan.upsert);
  }
}

void PostgresSink::write_refused(const Refused& refused) {
  const auto add_text = [&](std::string_view value) {
    lines_ += '\t';
    append_escaped(value, lines_);
  };
  if (!refused.rejections.empty()) {
    copy("COPY pg_temp.new_rejection FROM STDIN", refused.rejections,
         [&](const Rejection& rejection) {
           begin_line(refused.partition, rejection.position);
           add_text(rejection.event_id);
           add_text(rejection.type);
           add_text(rejection.key);
           add_text(rejection.reason);
           lines_ += "\t" + time_text(rejection.recorded_at) + "\n";
         });
    connection_.run(
        "INSERT INTO sluice.rejection SELECT * FROM pg_temp.new_rejection ON CONFLICT DO NOTHING");
  }
  if (!refused.quarantined.empty()) {
    const auto append_record = [&](const QuarantinedRecord& record) {
      begin_line(refused.partition, record.position);
      add_text(storable_text(record.key));
      add_text(storable_text(record.reason));
      lines_ += '\t';
      record.value ? append_hex(*record.value, lines_) : void(lines_ += "\\N");
      lines_ += "\t" + time_text(record.appended_at) + (record.parks_key ? "\tt" : "\tf") +
                (record.beyond_limit ? "\tt\n" : "\tf\n");
    };
    copy("COPY pg_temp.new_quarantine FROM STDIN", refused.quarantined, append_record);
    connection_.run(
        "INSERT INTO sluice.quarantine SELECT * FROM pg_temp.new_quarantine "
        "ON CONFLICT (projection, generation, partition, position) DO UPDATE SET "
        "key = excluded.key, reason = excluded.reason, bytes = excluded.bytes, "
        "appended_at = excluded.appended_at, parks_key = excluded.parks_key, "
        "beyond_limit = excluded.beyond_limit");
  }
  const auto change = [&](std::string_view what, std::span<const Offset> positions) {
    if (positions.empty()) return;
    connection_.run(
        std::string(what) +
            " WHERE projection = $1 AND generation = $2 AND partition = $3 "
            "AND position = ANY ($4::bigint[])",
        {config_.projection, number_, std::to_string(refused.partition.value), array(positions)});
  };
  change("UPDATE sluice.quarantine SET bytes = NULL", refused.aged_out);
  change("DELETE FROM sluice.quarantine", refused.unquarantined);
  if (!refused.decisions.empty()) write_decisions(refused);
}

void PostgresSink::begin_line(Partition partition, Offset position) {
  append_escaped(config_.projection, lines_);
  lines_ += "\t" + number_ + "\t" + std::to_string(partition.value) + "\t" +
            std::to_string(position.value);
}

void PostgresSink::write_decisions(const Refused& refused) {
  copy("COPY pg_temp.new_decision FROM STDIN", refused.decisions, [&](const Decision& decision) {
    begin_line(refused.partition, decision.position);
    lines_ += "\t" + (decision.offset ? std::to_string(decision.offset->value) : "\\N") + "\t";
    lines_ += word_of(decision.kind);
    lines_ += '\t';
    append_escaped(storable_text(decision.who), lines_);
    lines_ += '\t';
    append_escaped(storable_text(decision.why), lines_);
    lines_ += "\t" + time_text(decision.at) + "\n";
  });
  connection_.run(
      "INSERT INTO sluice.decision SELECT * FROM pg_temp.new_decision ON CONFLICT DO NOTHING");
}

}  // namespace sluice
