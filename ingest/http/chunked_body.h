#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "ingest/http/request_head.h"

namespace sluice::http {

// Decodes a chunked body (RFC 9112, 7.1) while its bytes arrive. Strict: CRLF only, 1 to 16 hex
// digits, CRLF after the data. Extensions are skipped, trailers are checked as fields and dropped;
// together they may be `kMaxOverhead` bytes, so that a small body cannot cost a long read.
class ChunkedBody {
 public:
  static constexpr std::size_t kMaxOverhead = 16 * 1024;

  enum class Found { kNeedMore, kWhole, kRefused };

  // Decoded bytes are appended to `body`, up to `max_body` of them: 413. Takes bytes off the front
  // of `input`; after kWhole, what is left of it belongs to the next request.
  Found decode(std::string_view& input, std::string& body, std::size_t max_body);

  // After kRefused.
  Refusal refusal() const { return refusal_; }

  void reset();

 private:
  enum class Stage {
    kSize,
    kSpaceBeforeExtension,
    kExtension,
    kSizeLineFeed,
    kData,
    kDataCarriageReturn,
    kDataLineFeed,
    kTrailer,
    kTrailerLineFeed,
    kWhole,
  };

  // Each looks at one byte; false: refused.
  bool take(char c, std::size_t body_size, std::size_t max_body);
  bool take_size(char c);
  bool take_extension(char c);
  bool take_trailer(char c);
  bool end_size_line(std::size_t body_size, std::size_t max_body);
  bool end_trailer_line();
  bool count_overhead();
  bool refuse(int status, std::string_view detail);

  Stage stage_ = Stage::kSize;
  std::uint64_t size_ = 0;  // of the chunk: what is still to come
  int digits_ = 0;
  std::size_t overhead_ = 0;
  std::string trailer_;
  Refusal refusal_{};
};

}  // namespace sluice::http
