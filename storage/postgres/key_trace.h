#pragma once

// What changed of the rows of one key from step to step, as Postgres has it: it prints the values
// and has the last word on whether two are equal, so that a time, a double or jsonb is what it is
// there.

#include <google/protobuf/message.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/postgres/column.h"
#include "storage/postgres/connection.h"

namespace sluice {

// What a step changed of one column, or of a row that came or went. Values are JSON.
struct KeyChange {
  std::int64_t step = 0;
  std::string table;
  std::string key;                    // {"conversation_id":"c1"}
  std::optional<std::string> column;  // nullopt: a whole row, `null` where it was not there
  std::string old_value;
  std::string new_value;
};

// One thread. Keeps changes in temporary tables of the session, and needs no transaction for that:
// a fold may take long.
class KeyTrace {
 public:
  // The connection must outlive this; `schema` is the one of the generation's tables.
  KeyTrace(PgConnection& connection, std::string schema)
      : connection_(connection), schema_(std::move(schema)) {}

  // A step changes a row; null: it was not there, or is there no more. Sent in pieces, and of rows
  // that were and are there only what differs.
  void change(std::int64_t step, const google::protobuf::Message* before,
              const google::protobuf::Message* after);
  // All that changed of the table, by step, then by key.
  [[nodiscard]] std::vector<KeyChange> changes(const google::protobuf::Descriptor& row);

 private:
  struct Table {
    explicit Table(const google::protobuf::Descriptor& row);
    std::string name;
    std::vector<Column> columns;
    std::string lines;  // not yet sent
    bool made = false;  // in Postgres
  };
  Table& table_of(const google::protobuf::Descriptor& row);
  void send(Table& table);
  void read_column(const google::protobuf::Message* row, const Column& column, std::string& text);
  // Of a row that came or went: all its columns; else those that differ. False: none does.
  bool append_sides(Table& table, const google::protobuf::Message* before,
                    const google::protobuf::Message* after, std::string& numbers);

  PgConnection& connection_;
  const std::string schema_;
  std::map<const google::protobuf::Descriptor*, Table> tables_;
  std::string sides_, old_text_, new_text_, scratch_;  // reused from change to change
};

}  // namespace sluice
