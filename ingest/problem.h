#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/append_request.h"
#include "ingest/fault.h"
#include "ingest/http/server.h"

namespace sluice {

// A refusal as RFC 9457 problem JSON.
[[nodiscard]] http::Response problem(int status, std::string_view detail);

// 422: every fault that was kept, and how many there are.
[[nodiscard]] http::Response problem(int status, std::string_view detail, const Faults& faults);

// 413: events whose records their stream does not take.
[[nodiscard]] http::Response too_large_for(std::string_view stream,
                                           std::span<const OversizeEvent> events);

// 503 with Retry-After. `ids`: events that may be in the log all the same; a retry under these ids
// counts once.
[[nodiscard]] http::Response unavailable(std::string_view detail,
                                         const std::vector<std::string>& ids = {});

}  // namespace sluice
