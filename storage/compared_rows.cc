#include "storage/compared_rows.h"

#include "schemas/descriptors/row_options.h"

namespace sluice {
namespace {

constexpr std::string_view kAsOf = "as_of";

}  // namespace

ComparedRow computed_row() { return {.computed = true, .left_out = {std::string(kAsOf)}}; }

ComparedRow compared_row(const google::protobuf::Descriptor& row) {
  if (!is_computed(row)) return {};
  ComparedRow made = computed_row();
  for (int i = 0; i < row.field_count(); ++i) {
    if (is_measured(*row.field(i))) made.left_out.insert(row.field(i)->name());
  }
  return made;
}

const std::vector<RefusedTable>& refused_tables() {
  using Kind = RefusedTable::Kind;
  static const std::vector<RefusedTable> all{{"sluice.rejection",
                                              {{"event_id", Kind::text},
                                               {"type", Kind::text},
                                               {"key", Kind::text},
                                               {"reason", Kind::text},
                                               {"recorded_at", Kind::time}}},
                                             {"sluice.quarantine",
                                              {{"key", Kind::text},
                                               {"reason", Kind::text},
                                               {"bytes", Kind::bytes},
                                               {"appended_at", Kind::time},
                                               {"parks_key", Kind::flag}}},
                                             {"sluice.decision",
                                              {{"offset", Kind::number},
                                               {"kind", Kind::text},
                                               {"who", Kind::text},
                                               {"why", Kind::text},
                                               {"at", Kind::time}}}};
  return all;
}

}  // namespace sluice
