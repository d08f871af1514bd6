#pragma once

// What the tables of a generation and the views of a domain are made of, as Postgres has it: so a
// program of either version can tell.

#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/connection.h"

namespace sluice {

struct TableColumn {
  std::string name;
  std::string type;  // as a cast has it: "text COLLATE \"C\""
  int key = 0;       // its place in the primary key, from 1 on; 0: it is not of the key
  std::string comment;
};

struct CatalogueTable {
  std::string name;
  std::string comment;
  std::string options;               // of a view: "security_invoker=true"
  std::vector<TableColumn> columns;  // in their order

  [[nodiscard]] const TableColumn* find(std::string_view column) const;
  [[nodiscard]] std::vector<std::string> keys() const;
};

[[nodiscard]] const CatalogueTable* find_table(const std::vector<CatalogueTable>& tables,
                                               std::string_view name);

// Whether the generation has a digest of what each key has emitted: the engine's own table, which
// is none of generation_tables().
[[nodiscard]] bool tells_emissions(PgConnection& connection, std::string_view domain,
                                   int generation);

// By name. Without tables and columns that somebody added by hand.
[[nodiscard]] std::vector<CatalogueTable> generation_tables(PgConnection& connection,
                                                            std::string_view domain,
                                                            int generation);

// The views of the domain's schema, also those that Sluice has not made.
[[nodiscard]] std::vector<CatalogueTable> domain_views(PgConnection& connection,
                                                       std::string_view domain);

// 'text', with what is special in it.
[[nodiscard]] std::string sql_literal(std::string_view text);

}  // namespace sluice
