#include "ingest/http/chunked_body.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

using namespace sluice::http;

namespace {

constexpr std::size_t kMaxBody = 32;
constexpr int kNeedMore = -1;
constexpr int kWhole = 0;

struct Decoded {
  int status = kNeedMore;
  std::string body;
  std::string rest;
  bool operator==(const Decoded&) const = default;
};

// In pieces of `piece` bytes after a first of `first`.
Decoded decode(std::string_view text, std::size_t first, std::size_t piece,
               std::size_t max_body = kMaxBody) {
  ChunkedBody chunked;
  Decoded decoded;
  std::size_t size = first;
  while (!text.empty()) {
    std::string_view input = text.substr(0, size);
    const std::size_t given = input.size();
    const auto found = chunked.decode(input, decoded.body, max_body);
    text.remove_prefix(given - input.size());
    if (found == ChunkedBody::Found::kRefused) {
      decoded.status = chunked.refusal().status;
      return decoded;
    }
    if (found == ChunkedBody::Found::kWhole) {
      decoded.status = kWhole;
      decoded.rest = text;
      return decoded;
    }
    size = piece;
  }
  return decoded;
}

std::string in_chunks(const std::vector<std::string>& chunks) {
  std::string text;
  for (const std::string& chunk : chunks) {
    if (chunk.empty()) continue;
    char size[20];
    std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
    text += size + chunk + "\r\n";
  }
  return text + "0\r\n\r\n";
}

}  // namespace

TEST_CASE("a chunked body is the same wherever it is split") {
  const auto [text, status, body] = GENERATE(table<std::string, int, std::string>({
      {"0\r\n\r\n", kWhole, ""},
      {"5\r\nhello\r\n0\r\n\r\n", kWhole, "hello"},
      {"5\r\nhello\r\n1\r\n!\r\n000\r\n\r\n", kWhole, "hello!"},
      {"0000000000000001\r\na\r\n0\r\n\r\n", kWhole, "a"},
      {"A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", kWhole, "01234567890123456789"},
      {"2\r\n\r\n\r\n0\r\n\r\n", kWhole, "\r\n"},
      {"1;a=b\r\nx\r\n0;c=\"d;e\"\r\n\r\n", kWhole, "x"},
      {"1 \t;a\r\nx\r\n0\r\n\r\n", kWhole, "x"},
      {"1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", kWhole, "x"},
      {"20\r\n01234567890123456789012345678901\r\n0\r\n\r\n", kWhole,
       "01234567890123456789012345678901"},
      {"5\r\nhel", kNeedMore, "hel"},
      {"5\r\nhello\r\n0\r\n", kNeedMore, "hello"},
      {"21\r\n", 413, ""},
      {"20\r\n01234567890123456789012345678901\r\n1\r\n", 413, "01234567890123456789012345678901"},
      {"ffffffffffffffff\r\n", 413, ""},
      {"1\r\nx\r\nffffffffffffffff\r\n", 413, "x"},
      {"00000000000000001\r\n", 400, ""},
      {"\r\n", 400, ""},
      {";a\r\n", 400, ""},
      {"g\r\n", 400, ""},
      {"0x1\r\n", 400, ""},
      {"+1\r\n", 400, ""},
      {"-1\r\n", 400, ""},
      {" 1\r\n", 400, ""},
      {"1 \r\n", 400, ""},
      {"1\n", 400, ""},
      {"1\rx", 400, ""},
      {"1;a\n", 400, ""},
      {"1;a\rb\r\n", 400, ""},
      {std::string("1;\0", 3), 400, ""},
      {"1\r\nxy", 400, "x"},
      {"1\r\nx\n", 400, "x"},
      {"1\r\nx\ry", 400, "x"},
      {"0\r\nA\r\n", 400, ""},
      {"0\r\nA : b\r\n", 400, ""},
      {"0\r\n folded\r\n", 400, ""},
      {"0\r\nA: b\n", 400, ""},
      {"0\r\n\n", 400, ""},
      {std::string("0\r\nA: \0", 7), 400, ""},
  }));
  CAPTURE(text);
  const Decoded expected{status, body, status == kWhole ? "GET /" : ""};
  const std::string given = status == kWhole ? text + "GET /" : text;
  CHECK(decode(given, given.size(), given.size()) == expected);
  CHECK(decode(given, 1, 1).body == body);
  for (std::size_t first = 1; first < given.size(); ++first) {
    CAPTURE(first);
    CHECK(decode(given, first, given.size()) == expected);
    CHECK(decode(given, first, 1) == expected);
  }
}

TEST_CASE("extensions and trailers have a limit for the whole body") {
  const std::string chunk = "1;" + std::string(1000, 'e') + "\r\nx\r\n";
  std::string text;
  for (std::size_t size = 0; size <= ChunkedBody::kMaxOverhead; size += 1000) text += chunk;
  CHECK(decode(text, 7, 11).status == 431);
  CHECK(decode("0\r\nA: " + std::string(ChunkedBody::kMaxOverhead, 't'), 7, 11).status == 431);
}

TEST_CASE("one object decodes one body after another") {
  ChunkedBody chunked;
  std::string body;
  std::string_view refused = "5\r\nhelloX";
  REQUIRE(chunked.decode(refused, body, kMaxBody) == ChunkedBody::Found::kRefused);
  chunked.reset();
  body.clear();
  std::string_view good = "1\r\nx\r\n0\r\n\r\n";
  CHECK(chunked.decode(good, body, kMaxBody) == ChunkedBody::Found::kWhole);
  CHECK(body == "x");
}

TEST_CASE("whatever is cut into chunks comes out again, and mutations never pass the limit") {
  CHECK(rc::check([](const std::vector<std::string>& chunks, std::size_t at, char c) {
    std::string text = in_chunks(chunks);
    std::string body;
    for (const std::string& chunk : chunks) body += chunk;
    const Decoded whole = decode(text, 3, 5, body.size());
    RC_ASSERT(whole.status == kWhole);
    RC_ASSERT(whole.body == body);
    text[at % text.size()] = c;
    RC_ASSERT(decode(text, 3, 5).body.size() <= kMaxBody);
  }));
}
