#include "storage/memory/memory_comparison.h"

#include <google/protobuf/text_format.h>

#include <memory>
#include <vector>

#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/compared_rows.h"
#include "storage/memory/row_bytes.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

struct Compared {
  std::string values;    // of all that is compared
  std::string computed;  // the key that it is computed of; "": it is folded
};
using ComparedRows = std::map<std::string, Compared>;
using Tables = std::map<std::string, ComparedRows>;
using Cells = std::map<std::string_view, std::string>;

std::string text_of(const Message& row, const FieldDescriptor& field) {
  if (field.cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    return row.GetReflection()->GetString(row, &field);
  }
  std::string text;
  google::protobuf::TextFormat::PrintFieldValueToString(row, &field, -1, &text);
  return text;
}

std::string key_text(const Message& row) {
  std::string text;
  for (const FieldDescriptor* field : key_fields(*row.GetDescriptor())) {
    text += (text.empty() ? "" : "/") + text_of(row, *field);
  }
  return text;
}

std::string values_of(const Message& row, const ComparedRow& rules) {
  const std::unique_ptr<Message> compared(row.New());
  compared->CopyFrom(row);
  for (int i = 0; i < row.GetDescriptor()->field_count(); ++i) {
    const FieldDescriptor* const field = row.GetDescriptor()->field(i);
    if (is_column(*field) && !rules.left_out.contains(field->name())) continue;
    compared->GetReflection()->ClearField(compared.get(), field);
  }
  return compared->SerializeAsString();
}

std::string milliseconds(Time at) { return std::to_string(at.time_since_epoch().count()); }

Cells cells(const Rejection& row) {
  return {{"event_id", row.event_id},
          {"type", row.type},
          {"key", row.key},
          {"reason", row.reason},
          {"recorded_at", milliseconds(row.recorded_at)}};
}

Cells cells(const QuarantinedRecord& row) {
  return {{"key", row.key},
          {"reason", row.reason},
          {"bytes", row.value ? "bytes " + *row.value : "null"},
          {"appended_at", milliseconds(row.appended_at)},
          {"parks_key", row.parks_key ? "t" : "f"}};
}

Cells cells(const Decision& row) {
  return {{"offset", row.offset ? std::to_string(row.offset->value) : "null"},
          {"kind", std::string(word_of(row.kind))},
          {"who", row.who},
          {"why", row.why},
          {"at", milliseconds(row.at)}};
}

template <class Refused>
void add(const std::vector<Refused>& refused, Partition partition, const RefusedTable& table,
         ComparedRows& rows) {
  for (const Refused& each : refused) {
    const Cells all = cells(each);
    std::string values;
    for (const RefusedTable::Column& column : table.columns) {
      values += all.at(column.name);
      values += '\0';
    }
    const std::string key =
        std::to_string(partition.value) + "/" + std::to_string(each.position.value);
    rows[key] = {std::move(values), {}};
  }
}

void add_refused(const MemoryViews& views, Tables& tables) {
  for (const RefusedTable& table : refused_tables()) {
    ComparedRows& rows = tables[std::string(table.name)];
    for (int p = 0; p < views.generation().partitions; ++p) {
      const Partition partition{p};
      if (table.name == "sluice.rejection")
        add(views.rejections(partition), partition, table, rows);
      if (table.name == "sluice.quarantine")
        add(views.quarantined(partition), partition, table, rows);
      if (table.name == "sluice.decision") add(views.decisions(partition), partition, table, rows);
    }
  }
}

Tables tables_of(const MemoryViews& views) {
  Tables tables;
  views.for_each_published([&](const Message& row) {
    const auto& type = *row.GetDescriptor();
    if (type.full_name() == emission_row().full_name()) return;
    const ComparedRow rules = compared_row(type);
    tables[table_name(type)][key_text(row)] = {
        values_of(row, rules), rules.computed ? memory::first_key(row) : std::string()};
  });
  add_refused(views, tables);
  return tables;
}

std::set<std::string> due_in(const MemoryViews& one, const MemoryViews& two) {
  std::set<std::string> due;
  for (const MemoryViews* views : {&one, &two}) {
    for (int p = 0; p < views->generation().partitions; ++p) due.merge(views->due(Partition{p}));
  }
  return due;
}

MemoryTableComparison compare(const ComparedRows& live, const ComparedRows& other,
                              const std::set<std::string>& due) {
  MemoryTableComparison made;
  const auto differs = [&](const auto& row, std::set<std::string>& as) {
    const bool undecided = !row.second.computed.empty() && due.contains(row.second.computed);
    (undecided ? made.undecided : as).insert(row.first);
  };
  for (const auto& row : other) {
    const auto found = live.find(row.first);
    if (found == live.end()) {
      differs(row, made.added);
    } else if (found->second.values != row.second.values) {
      differs(row, made.changed);
    } else {
      ++made.same;
    }
  }
  for (const auto& row : live) {
    if (!other.contains(row.first)) differs(row, made.missing);
  }
  return made;
}

}  // namespace

std::map<std::string, MemoryTableComparison> compare(const MemoryViews& live,
                                                     const MemoryViews& other) {
  Tables of_live = tables_of(live);
  Tables of_other = tables_of(other);
  const std::set<std::string> due = due_in(live, other);
  std::map<std::string, MemoryTableComparison> made;
  for (const auto& [name, rows] : of_live) made[name] = compare(rows, of_other[name], due);
  for (const auto& [name, rows] : of_other) {
    if (!made.contains(name)) made[name] = compare({}, rows, due);
  }
  return made;
}

}  // namespace sluice
