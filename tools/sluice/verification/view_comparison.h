#pragma once

// A view held against a refold of its log, table by table.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/postgres/published_rows.h"
#include "tools/sluice/verification/refolded_view.h"

namespace sluice {

// What the comparison of one published table came to.
struct TableComparison {
  std::string table;
  RowComparison rows;
};

// Follows the view to where it stands, then compares every table of `tables` with one snapshot of
// it. `shown`: with a progress bar. Retryable when the view does not compute anew what the refold
// has passed.
[[nodiscard]] std::vector<TableComparison> compare_view(
    RefoldedView& refolded, PublishedRows& rows,
    const std::vector<const google::protobuf::Descriptor*>& tables, bool shown);

// The differences that were named, a line each, and how many more there are. Empty: none.
[[nodiscard]] std::string describe(const TableComparison& comparison);

}  // namespace sluice
