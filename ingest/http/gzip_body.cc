#include "ingest/http/gzip_body.h"

#include <zlib.h>

#include <array>
#include <new>

namespace sluice::http {
namespace {

constexpr std::size_t kPiece = 16 * 1024;
// zlib's: a window of 32 KiB, and gzip's own head and trailer rather than zlib's.
constexpr int kGzip = 15 + 16;

}  // namespace

GzipBody::GzipBody() : stream_(std::make_unique<z_stream>()) {
  if (inflateInit2(stream_.get(), kGzip) != Z_OK) throw std::bad_alloc();
}

GzipBody::~GzipBody() { inflateEnd(stream_.get()); }

GzipBody::Unpacked GzipBody::unpack(std::string_view input, const Put& put) {
  std::array<unsigned char, kPiece> piece;
  // zlib takes what it only reads by a pointer to what could be written.
  stream_->next_in = reinterpret_cast<unsigned char*>(const_cast<char*>(input.data()));
  stream_->avail_in = static_cast<unsigned>(input.size());
  bool more = !input.empty();
  while (more) {
    if (whole_ && inflateReset(stream_.get()) != Z_OK) return Unpacked::kMalformed;
    whole_ = false;
    stream_->next_out = piece.data();
    stream_->avail_out = static_cast<unsigned>(piece.size());
    const int result = inflate(stream_.get(), Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return Unpacked::kMalformed;
    }
    const std::size_t size = piece.size() - stream_->avail_out;
    if (size > 0 && !put({reinterpret_cast<const char*>(piece.data()), size})) {
      return Unpacked::kStopped;
    }
    whole_ = result == Z_STREAM_END;
    more = stream_->avail_in > 0 || (stream_->avail_out == 0 && !whole_);
  }
  return Unpacked::kAll;
}

}  // namespace sluice::http
