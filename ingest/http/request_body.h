#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ingest/http/chunked_body.h"
#include "ingest/http/gzip_body.h"
#include "ingest/http/message.h"

namespace sluice::http {

// Reads a request's body into it while its bytes arrive: of a known length or in chunks, packed or
// not. Memory for it is taken from the ledger first. One thread.
class RequestBody {
 public:
  RequestBody(const Limits& limits, std::shared_ptr<MemoryLedger> memory)
      : limits_(limits), memory_(std::move(memory)) {}

  enum class Found { kNeedMore, kWhole, kRefused };

  // The head is whole. False: refused.
  [[nodiscard]] bool begin(Request& request);
  // Whether there is a body at all.
  [[nodiscard]] bool expected() const { return expected_; }
  // Takes bytes off the front of `input`; after kWhole, what is left belongs to the next request.
  Found take(Request& request, std::string_view& input);
  // After kRefused or false.
  [[nodiscard]] Refusal refusal() const { return refusal_; }
  // Drops what is half done.
  void reset();

 private:
  Found take_chunks(Request& request, std::string_view& input);
  bool put(Request& request, std::string_view piece);
  Found end();
  bool make_room(Request& request, std::size_t body_size);
  bool hold(Request& request, std::size_t room) const;
  bool refuse(int status, std::string_view detail);

  const Limits& limits_;
  const std::shared_ptr<MemoryLedger> memory_;
  bool expected_ = false;
  std::uint64_t left_ = 0;  // of a known length
  ChunkedBody chunked_;
  std::unique_ptr<GzipBody> gzip_;  // null: the body is as it is sent
  std::string chunks_;              // without their sizes, before they are unpacked; else empty
  std::size_t chunked_size_ = 0;
  Refusal refusal_{};
};

}  // namespace sluice::http
