#include "ingest/http/gzip_body.h"

#include <catch2/catch.hpp>
#include <string>

#include "ingest/http/content_coding.h"
#include "tests/support/gzip.h"

namespace sluice::http {
namespace {

using sluice::testing::gzip;

struct Unpacked {
  GzipBody::Unpacked result = GzipBody::Unpacked::kAll;
  bool whole = false;
  std::string text;
};

// In pieces of so many bytes.
Unpacked unpack(std::string_view packed, std::size_t piece) {
  GzipBody body;
  Unpacked found;
  for (std::size_t at = 0; at < packed.size(); at += piece) {
    found.result = body.unpack(packed.substr(at, piece), [&](std::string_view part) {
      found.text += part;
      return true;
    });
    if (found.result != GzipBody::Unpacked::kAll) break;
  }
  found.whole = body.whole();
  return found;
}

ContentCoding coding_of(const std::string& fields) {
  RequestHead head;
  REQUIRE_FALSE(head.parse("POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"));
  return content_coding(head);
}

}  // namespace

TEST_CASE("a gzip body is unpacked however its bytes arrive") {
  const std::string text = std::string(100'000, 'a') + "end";
  const std::size_t piece = GENERATE(1, 7, 1000, 1'000'000);
  const Unpacked one = unpack(gzip(text), piece);
  CHECK(one.whole);
  CHECK(one.text == text);
  const Unpacked two = unpack(gzip("first ") + gzip("second"), piece);
  CHECK(two.whole);
  CHECK(two.text == "first second");
  const Unpacked none = unpack(gzip(""), piece);
  CHECK(none.whole);
  CHECK(none.text.empty());
}

TEST_CASE("what is cut short is not whole, and what is not gzip is told") {
  const std::string packed = gzip("some text that is packed");
  for (std::size_t size = 1; size < packed.size(); ++size) {
    CHECK_FALSE(unpack(packed.substr(0, size), 1000).whole);
  }
  std::string damaged = packed;
  damaged[damaged.size() - 6] ^= 1;  // of the checksum
  const auto malformed = GzipBody::Unpacked::kMalformed;
  CHECK(unpack(damaged, 1000).result == malformed);
  CHECK(unpack("{\"specversion\":\"1.0\"}", 1000).result == malformed);
  CHECK(unpack(packed + "rest", 1000).result == malformed);
}

TEST_CASE("unpacking stops where there is no more room, not at the end of the bomb") {
  const std::string bomb = gzip(std::string(50'000'000, '\0'));
  GzipBody body;
  std::size_t taken = 0;
  const auto result = body.unpack(bomb, [&](std::string_view part) {
    taken += part.size();
    return taken < 100'000;
  });
  CHECK(result == GzipBody::Unpacked::kStopped);
  CHECK(taken < 200'000);
}

TEST_CASE("one gzip is understood, in any spelling") {
  CHECK(coding_of("") == ContentCoding::kIdentity);
  CHECK(coding_of("Content-Encoding: identity\r\n") == ContentCoding::kIdentity);
  CHECK(coding_of("Content-Encoding: \r\n") == ContentCoding::kIdentity);
  CHECK(coding_of("content-encoding: GZip\r\n") == ContentCoding::kGzip);
  CHECK(coding_of("Content-Encoding: x-gzip\r\n") == ContentCoding::kGzip);
  CHECK(coding_of("Content-Encoding: identity, gzip\r\n") == ContentCoding::kGzip);
  CHECK(coding_of("Content-Encoding: br\r\n") == ContentCoding::kOther);
  CHECK(coding_of("Content-Encoding: deflate\r\n") == ContentCoding::kOther);
  CHECK(coding_of("Content-Encoding: gzip, gzip\r\n") == ContentCoding::kOther);
  CHECK(coding_of("Content-Encoding: gzip\r\nContent-Encoding: br\r\n") == ContentCoding::kOther);
}

}  // namespace sluice::http
