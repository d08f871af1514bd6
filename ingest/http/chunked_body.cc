#include "ingest/http/chunked_body.h"

#include <algorithm>

namespace sluice::http {
namespace {

constexpr int kMaxDigits = 16;

std::uint64_t hex_value(char c) {
  if (is_digit(c)) return static_cast<std::uint64_t>(c - '0');
  return static_cast<std::uint64_t>((c | 0x20) - 'a') + 10;
}

}  // namespace

ChunkedBody::Found ChunkedBody::decode(std::string_view& input, std::string& body,
                                       std::size_t max_body) {
  while (!input.empty() && stage_ != Stage::kWhole) {
    if (stage_ == Stage::kData) {
      const std::size_t size =
          static_cast<std::size_t>(std::min<std::uint64_t>(size_, input.size()));
      body.append(input.substr(0, size));
      input.remove_prefix(size);
      size_ -= size;
      if (size_ == 0) stage_ = Stage::kDataCarriageReturn;
      continue;
    }
    const char c = input.front();
    input.remove_prefix(1);
    if (!take(c, body.size(), max_body)) return Found::kRefused;
  }
  return stage_ == Stage::kWhole ? Found::kWhole : Found::kNeedMore;
}

void ChunkedBody::reset() {
  stage_ = Stage::kSize;
  size_ = 0;
  digits_ = 0;
  overhead_ = 0;
  trailer_.clear();
}

bool ChunkedBody::take(char c, std::size_t body_size, std::size_t max_body) {
  switch (stage_) {
    case Stage::kSize:
      return take_size(c);
    case Stage::kSpaceBeforeExtension:
    case Stage::kExtension:
      return take_extension(c);
    case Stage::kSizeLineFeed:
      if (c != '\n') break;
      return end_size_line(body_size, max_body);
    case Stage::kDataCarriageReturn:
      if (c != '\r') break;
      stage_ = Stage::kDataLineFeed;
      return true;
    case Stage::kDataLineFeed:
      if (c != '\n') break;
      stage_ = Stage::kSize;
      return true;
    case Stage::kTrailer:
      return take_trailer(c);
    case Stage::kTrailerLineFeed:
      if (c != '\n') break;
      return end_trailer_line();
    case Stage::kData:
    case Stage::kWhole:
      break;
  }
  return refuse(400, "A line of the chunked body does not end in CRLF where it should.");
}

bool ChunkedBody::take_size(char c) {
  if (is_hex_digit(c)) {
    if (++digits_ > kMaxDigits) return refuse(400, "A chunk size has more than 16 digits.");
    size_ = size_ * 16 + hex_value(c);
    return true;
  }
  if (digits_ == 0) return refuse(400, "A chunk size is not a hexadecimal number.");
  if (c == '\r') {
    stage_ = Stage::kSizeLineFeed;
  } else if (c == ';') {
    stage_ = Stage::kExtension;
  } else if (c == ' ' || c == '\t') {
    stage_ = Stage::kSpaceBeforeExtension;
  } else {
    return refuse(400, "A chunk size is not a hexadecimal number.");
  }
  return true;
}

bool ChunkedBody::take_extension(char c) {
  if (!count_overhead()) return false;
  if (stage_ == Stage::kSpaceBeforeExtension) {
    if (c == ';') stage_ = Stage::kExtension;
    if (c == ';' || c == ' ' || c == '\t') return true;
    return refuse(400, "A chunk size is followed by white space.");
  }
  if (c == '\r') {
    stage_ = Stage::kSizeLineFeed;
    return true;
  }
  return !is_control(c) || refuse(400, "A chunk extension has a control character.");
}

// Before any of its data: a size over the limit is refused without reading it.
bool ChunkedBody::end_size_line(std::size_t body_size, std::size_t max_body) {
  digits_ = 0;
  if (size_ == 0) {
    stage_ = Stage::kTrailer;
    return true;
  }
  if (body_size > max_body || size_ > max_body - body_size) {
    return refuse(413, "The body is over the limit.");
  }
  stage_ = Stage::kData;
  return true;
}

bool ChunkedBody::take_trailer(char c) {
  if (c == '\r') {
    stage_ = Stage::kTrailerLineFeed;
    return true;
  }
  if (!count_overhead()) return false;
  trailer_.push_back(c);
  return !is_control(c) || refuse(400, "A trailer has a control character.");
}

bool ChunkedBody::end_trailer_line() {
  if (trailer_.empty()) {
    stage_ = Stage::kWhole;
    return true;
  }
  if (!parse_field_line(trailer_)) return refuse(400, "A trailer is malformed.");
  trailer_.clear();
  stage_ = Stage::kTrailer;
  return true;
}

bool ChunkedBody::count_overhead() {
  return ++overhead_ <= kMaxOverhead ||
         refuse(431, "Chunk extensions and trailers are over the limit.");
}

bool ChunkedBody::refuse(int status, std::string_view detail) {
  refusal_ = {status, detail};
  return false;
}

}  // namespace sluice::http
