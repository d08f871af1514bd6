#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

struct z_stream_s;

namespace sluice::http {

// Unpacks a body in gzip (RFC 1952) while its bytes arrive; one or more members, nothing behind
// them.
class GzipBody {
 public:
  // What it holds beside the body.
  static constexpr std::size_t kMemory = 48 * 1024;

  GzipBody();
  ~GzipBody();
  GzipBody(const GzipBody&) = delete;
  GzipBody& operator=(const GzipBody&) = delete;

  enum class Unpacked { kAll, kMalformed, kStopped };

  // Hands what the bytes unpack to to `put`, a piece at a time, until it says false: kStopped.
  using Put = std::function<bool(std::string_view piece)>;
  Unpacked unpack(std::string_view input, const Put& put);
  // Whether a member has just ended.
  [[nodiscard]] bool whole() const { return whole_; }

 private:
  std::unique_ptr<z_stream_s> stream_;
  bool whole_ = false;
};

}  // namespace sluice::http
