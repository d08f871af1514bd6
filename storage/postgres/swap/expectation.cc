#include "storage/postgres/swap/expectation.h"

#include <algorithm>

#include "storage/base/errors.h"

namespace sluice {

Expectation::Expectation(const std::vector<std::string>& words,
                         const std::vector<ComparedTable>& tables) {
  for (const std::string& word : words) {
    if (std::ranges::count(tables, word, &ComparedTable::name) > 0) {
      rows_.insert(word);
      continue;
    }
    // Of `sluice.rejection` the first dot is part of the name.
    const auto dot = std::min(word.rfind('.'), word.size());
    const std::string column = word.substr(std::min(dot + 1, word.size()));
    const auto table = std::ranges::find(tables, word.substr(0, dot), &ComparedTable::name);
    if (table == tables.end()) {
      throw Misconfigured("--expect " + word +
                          ": there is no such table; TABLE, TABLE.COLUMN and "
                          "TABLE.* are what it takes");
    }
    if (column != "*" && std::ranges::count(table->columns, column, &ComparedColumn::name) == 0) {
      throw Misconfigured("--expect " + word + ": " + table->name + " has no column " + column);
    }
    columns_[table->name].insert(column);
  }
}

void Expectation::apply(ComparedTable& table) const {
  table.rows_expected = rows_.contains(table.name);
  const auto found = columns_.find(table.name);
  if (found == columns_.end()) return;
  for (ComparedColumn& column : table.columns) {
    column.expected = found->second.contains("*") || found->second.contains(column.name);
  }
}

}  // namespace sluice
