#include "ingest/http/request_body.h"

#include <algorithm>

#include "ingest/http/content_coding.h"

namespace sluice::http {
namespace {

// A handler makes something of a body that is as large again.
constexpr std::size_t kTimesBody = 2;
// Behind a body, for a parser that reads past its end.
constexpr std::size_t kPadding = 64;

}  // namespace

bool RequestBody::begin(Request& request) {
  const RequestHead& head = request.head;
  reset();
  left_ = head.content_length().value_or(0);
  if (left_ > limits_.max_body) return refuse(413, "The body is over the limit.");
  expected_ = head.chunked() || left_ > 0;
  if (!expected_) return true;
  const ContentCoding coding = content_coding(head);
  if (coding == ContentCoding::kOther) return refuse(415, "The only Content-Encoding is gzip.");
  if (coding == ContentCoding::kGzip) gzip_ = std::make_unique<GzipBody>();
  request.memory = MemoryShare(memory_);
  // All of it before it comes: of bodies that come side by side one is refused at once, rather than
  // each when it is half there.
  return make_room(request, gzip_ ? 0 : static_cast<std::size_t>(left_));
}

RequestBody::Found RequestBody::take(Request& request, std::string_view& input) {
  if (request.head.chunked()) return take_chunks(request, input);
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  const std::string_view piece = input.substr(0, size);
  input.remove_prefix(size);
  left_ -= size;
  if (!put(request, piece)) return Found::kRefused;
  return left_ == 0 ? end() : Found::kNeedMore;
}

RequestBody::Found RequestBody::take_chunks(Request& request, std::string_view& input) {
  std::string& chunks = gzip_ ? chunks_ : request.body;
  const std::size_t before = chunks.size();
  if (!gzip_ && !make_room(request, std::min(before + input.size(), limits_.max_body))) {
    return Found::kRefused;
  }
  const auto found = chunked_.decode(input, chunks, limits_.max_body);
  if (found == ChunkedBody::Found::kRefused) {
    refusal_ = chunked_.refusal();
    return Found::kRefused;
  }
  chunked_size_ += chunks.size() - before;
  if (gzip_) {
    const bool is_put = put(request, chunks_);
    chunks_.clear();
    if (!is_put) return Found::kRefused;
    if (chunked_size_ > limits_.max_body) {
      refuse(413, "The body is over the limit.");
      return Found::kRefused;
    }
  }
  return found == ChunkedBody::Found::kWhole ? end() : Found::kNeedMore;
}

bool RequestBody::put(Request& request, std::string_view piece) {
  std::string& body = request.body;
  if (!gzip_) {
    body.append(piece);
    return true;
  }
  const auto unpacked = gzip_->unpack(piece, [&](std::string_view part) {
    if (!make_room(request, body.size() + part.size())) return false;
    body.append(part);
    return true;
  });
  if (unpacked == GzipBody::Unpacked::kMalformed) {
    return refuse(400, "The body is not gzip, as its Content-Encoding says.");
  }
  return unpacked == GzipBody::Unpacked::kAll;
}

RequestBody::Found RequestBody::end() {
  if (gzip_ && !gzip_->whole()) {
    refuse(400, "The gzip body is cut short.");
    return Found::kRefused;
  }
  reset();
  return Found::kWhole;
}

// A length that is known is reserved as it is, else by doubling where there is memory for that.
bool RequestBody::make_room(Request& request, std::size_t body_size) {
  if (body_size > limits_.max_body) return refuse(413, "The body unpacks to more than the limit.");
  const std::size_t room = request.body.capacity();
  const std::size_t needed = body_size + kPadding;
  if (room >= needed && hold(request, room)) return true;
  const bool grows = gzip_ || request.head.chunked();
  const std::size_t doubled = std::min(2 * room, limits_.max_body + kPadding);
  if (grows && doubled > needed && hold(request, doubled)) return true;
  return hold(request, needed) || refuse(503, "There is no memory left for this request.");
}

bool RequestBody::hold(Request& request, std::size_t room) const {
  const std::size_t more = gzip_ ? GzipBody::kMemory : 0;
  if (!request.memory.resize(kTimesBody * room + more)) return false;
  if (request.body.capacity() >= room) return true;
  // Not the string's own reserve(), which doubles by itself.
  std::string larger;
  larger.reserve(room);
  larger.append(request.body);
  request.body.swap(larger);
  return true;
}

bool RequestBody::refuse(int status, std::string_view detail) {
  refusal_ = {status, detail};
  return false;
}

void RequestBody::reset() {
  expected_ = false;
  left_ = 0;
  chunked_.reset();
  chunked_size_ = 0;
  gzip_.reset();
  std::string().swap(chunks_);
}

}  // namespace sluice::http
