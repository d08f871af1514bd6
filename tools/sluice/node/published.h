#pragma once

// What a domain publishes to Postgres, as storage/postgres wants it told.

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/projection.h"
#include "schemas/descriptors/domain.h"
#include "storage/postgres/schema.h"
#include "storage/projection_sink.h"

namespace sluice {

// The projection of each domain that has one.
[[nodiscard]] std::vector<Projection> projections_of(std::span<const Domain> domains);

[[nodiscard]] std::vector<PublishedSchema> schemas_of(
    std::span<const Domain> domains, int partitions, std::chrono::milliseconds dedupe_horizon,
    std::chrono::milliseconds quarantine_retention);

// The live generation of a projection; `session` names its session with Postgres. Throws what
// connecting throws, when it is first used.
[[nodiscard]] std::unique_ptr<ProjectionSink> open_sink(const std::string& url,
                                                        std::string_view projection,
                                                        const std::string& session = {});

}  // namespace sluice
