#pragma once

// What a domain publishes to Postgres, as storage/postgres wants it told.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "projectors/engine/projection.h"
#include "schemas/descriptors/domain.h"
#include "storage/generation_builder.h"
#include "storage/postgres/schema.h"
#include "storage/projection_sink.h"

namespace sluice {

// The projection of each domain that has one.
[[nodiscard]] std::vector<Projection> projections_of(std::span<const Domain> domains);

// The version of each one's rules.
[[nodiscard]] std::map<std::string, std::int64_t> rules_of(std::span<const Projection> projections);

// Whether the domain's rules emit.
[[nodiscard]] bool emits(const Domain& domain);

[[nodiscard]] std::vector<PublishedSchema> schemas_of(
    std::span<const Domain> domains, int partitions, std::chrono::milliseconds dedupe_horizon,
    std::chrono::milliseconds quarantine_retention, bool key_index = true);

// A generation's rows and positions, over one session.
struct ViewSession {
  std::unique_ptr<ProjectionSink> sink;
  std::unique_ptr<GenerationBuilder> builder = nullptr;  // null: it is not built
};

// `generation` 0: the live one, which is asked for now; `session` names the session with Postgres.
// Whatever waits for Postgres ends once `gives_up` says so. Throws what connecting throws, else
// when it is first used.
[[nodiscard]] ViewSession open_view(const std::string& url, std::string_view projection,
                                    int generation, const std::string& session = {},
                                    const std::stop_token& gives_up = {});

[[nodiscard]] Generation live_generation(const std::string& url, std::string_view projection);

}  // namespace sluice
