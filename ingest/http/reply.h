#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/http/message.h"

namespace sluice::http {

inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// What a reply must know of its request.
struct ReplyTo {
  bool head_only = false;  // HEAD: Content-Length of the body, without the body
  int minor_version = 1;   // HTTP/1.0 is told when its connection is kept
  bool keep_alive = true;
};

// Appends the whole reply. `date` as of RFC 9110, 5.6.7.
void append_reply(std::string& out, const Response& response, const ReplyTo& to,
                  std::string_view date);

// "Not Found"; empty for a status that is not known (RFC 9112, 4).
std::string_view reason_phrase(int status);

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::int64_t unix_seconds);

}  // namespace sluice::http
