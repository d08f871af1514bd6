#pragma once

#include <string_view>

#include "ingest/batch_builder.h"

namespace sluice {

// The events of a sluice.EnvelopeBatch, one at a time, so that a small body cannot become many
// objects. Strict as JSON is: what an envelope or a fact does not have is a fault. Throws
// RefusedRequest.
void read_protobuf(std::string_view body, BatchBuilder& batch);

}  // namespace sluice
