#pragma once

#include <span>
#include <string>

#include "ingest/domain_codec.h"

namespace sluice {

// What ingest answers to, as an OpenAPI 3.1 document in JSON, from the domains' descriptors.
[[nodiscard]] std::string openapi_document(std::span<const DomainCodec> domains);

}  // namespace sluice
