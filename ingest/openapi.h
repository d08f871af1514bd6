#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "ingest/domain_codec.h"

namespace sluice {

// What a client may send, as far as it is a matter of configuration.
struct PostLimits {
  std::size_t body_bytes;
  std::size_t event_bytes;
  std::size_t batch_events;
};

// The OpenAPI 3.1 document of what these domains accept.
[[nodiscard]] std::string openapi_document(std::span<const DomainCodec> domains,
                                           const PostLimits& limits);

}  // namespace sluice
