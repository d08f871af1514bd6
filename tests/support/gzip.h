#pragma once

#include <zlib.h>

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

namespace sluice::testing {

// `text` as the program gzip packs it. A target that includes this header links zlib.
inline std::string gzip(std::string_view text) {
  constexpr int kGzip = 15 + 16;
  constexpr int kMemoryLevel = 8;
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, kGzip, kMemoryLevel,
                       Z_DEFAULT_STRATEGY) == Z_OK);
  std::string in(text);
  std::string out(deflateBound(&stream, in.size()), '\0');
  stream.next_in = reinterpret_cast<unsigned char*>(in.data());
  stream.avail_in = static_cast<unsigned>(in.size());
  stream.next_out = reinterpret_cast<unsigned char*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace sluice::testing
