#pragma once

#include "ingest/http/request_head.h"

namespace sluice::http {

// How a body is packed (RFC 9110, 8.4).
enum class ContentCoding { kIdentity, kGzip, kOther };

[[nodiscard]] ContentCoding content_coding(const RequestHead& head);

}  // namespace sluice::http
