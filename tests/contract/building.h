#pragma once

// Flushes, notes and loads of the tables of tests/contract/shapes, each of which owns what it
// carries.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/generation_builder.h"
#include "storage/projection_sink.h"

namespace sluice::testing {

// Of the record before this position. The highest bit is set: digests are unsigned.
[[nodiscard]] Digest digest_before(std::int64_t position);

// Rows of OnlyKey, or none.
FlushOutcome flush_ids(ProjectionSink& sink, Partition partition, std::string_view owner, bool live,
                       std::int64_t from, std::int64_t to,
                       const std::vector<std::string>& ids = {});

// One rejection and one quarantined record at each of these positions.
struct Refusals {
  explicit Refusals(const std::vector<std::int64_t>& positions);
  std::vector<Rejection> rejections;
  std::vector<QuarantinedRecord> quarantined;
  std::vector<Offset> unquarantined;
  std::vector<Offset> aged_out;
  std::vector<Decision> decisions;

  void note(GenerationBuilder& builder, Partition partition, std::string_view owner,
            std::int64_t folded) const;
};

// "position kind offset who why"; the offset is "-" where there is none.
[[nodiscard]] std::vector<std::string> decision_texts(const std::vector<Decision>& decisions);

// A load of these rows of OnlyKey, and of one row of EveryType for each of them.
FlushOutcome load_ids(GenerationBuilder& builder, Partition partition, std::string_view owner,
                      std::int64_t to, const std::vector<std::string>& ids,
                      const std::vector<std::string>& due = {});

}  // namespace sluice::testing
