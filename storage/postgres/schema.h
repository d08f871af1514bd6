#pragma once

// DDL from row descriptors. `sluice schema print` shows it, `sluice schema apply` runs it.

#include <google/protobuf/descriptor.h>

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// A domain's tables, as one projection publishes them.
struct PublishedSchema {
  std::string_view domain;
  const google::protobuf::FileDescriptor* tables = nullptr;
  std::string_view tables_source = {};  // see Domain
  std::string_view reads_sql = {};
  int version = 1;
  bool emits = false;  // its generations tell what each key has emitted (emission_row())
  int partitions = 4;
  std::chrono::milliseconds dedupe_horizon = std::chrono::hours(24);
  std::chrono::milliseconds quarantine_retention = std::chrono::hours(7 * 24);
  bool key_index = true;  // of a generation that is made
};

// The rows of a generation's tables: the domain's, and the engine's where it emits.
[[nodiscard]] std::vector<const google::protobuf::Descriptor*> table_rows(
    const PublishedSchema& schema);
// The schema of a generation that has the engine's table, or has it not.
[[nodiscard]] PublishedSchema as_made(const PublishedSchema& schema, bool tells_emissions);

// "deliberation_g1": where a generation's tables are.
[[nodiscard]] std::string generation_schema(std::string_view projection, int generation);

// Everything of one generation in a database that has no other, for people to read.
[[nodiscard]] std::string schema_sql(const PublishedSchema& schema, int generation);

// Where a domain's views are, with what readers may do there now and with views to come.
[[nodiscard]] std::string readers_schema_sql(std::string_view domain);

// The tables of one generation, for those who write and read them, without what readers go by
// (views and functions). Can be run again.
[[nodiscard]] std::string tables_sql(const PublishedSchema& schema, int generation);

// The same without keys and indexes: rows are copied into such tables fastest. keys_sql() then
// makes these, once, and has the planner's statistics taken.
[[nodiscard]] std::string keyless_tables_sql(const PublishedSchema& schema, int generation);
[[nodiscard]] std::string keys_sql(const PublishedSchema& schema, int generation);

// Of the index that a row's options have at this place, from 1 on.
[[nodiscard]] std::string index_name(const google::protobuf::Descriptor& row, int number);

// Of its primary key: "\"a\", \"b\"".
[[nodiscard]] std::string key_columns(const google::protobuf::Descriptor& row);

enum class Apply {
  everything,    // also what somebody has removed by hand
  what_changed,  // since the last time: no lock is taken that readers would feel
};

// Makes the engine's schema and generation 1 of each domain that has none, and adds new columns to
// the live ones. Appliers wait for each other. All of it or nothing.
//
// Corrupt: tables or columns that were there are not there any more, and the view has a position:
// made anew they would stay empty. Then nothing was changed; the message has the command. Domains
// named in `refold` are emptied and set back to the log's beginning instead, so that their
// projectors fold them anew, emitting nothing a second time.
// Misconfigured: a live generation has other partitions, another version (which `refold` brings
// up to this program's) or another column type; or `refold` names a domain with another generation
// that is not retired. Where a generation of this program's version is there beside a live one of
// another version, the live one is left alone: tables, views and functions.
void apply_schema(const std::string& url, std::span<const PublishedSchema> schemas,
                  Apply how = Apply::everything, const std::vector<std::string>& refold = {});

}  // namespace sluice
