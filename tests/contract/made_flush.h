#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shapes/tables.pb.h"
#include "storage/projection_sink.h"

namespace sluice::testing {

// A flush that owns what it carries, but names.
struct Flush {
  FlushBatch batch{};
  std::vector<shapes::OnlyKey> kept;
  std::vector<RowChanges> rows;
  std::vector<Rejection> rejections;
  std::vector<QuarantinedRecord> quarantined;
  std::vector<Offset> unquarantined;
  std::vector<Offset> aged_out;
  std::vector<Decision> decisions;

  Flush(Partition partition, std::string_view owner, std::int64_t from, std::int64_t to);
  // Rows of OnlyKey. Once.
  Flush& put(const std::vector<std::string>& ids) { return change(ids, {}); }
  Flush& change(const std::vector<std::string>& put, const std::vector<std::string>& erased);
  FlushOutcome to(ProjectionSink& sink);
};

}  // namespace sluice::testing
