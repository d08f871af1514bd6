#include "ingest/http/request_head.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "ingest/http/head_scanner.h"

using namespace sluice::http;

namespace {

constexpr int kGood = 0;

int status_of(std::string_view block) {
  RequestHead head;
  const auto refusal = head.parse(block);
  return refusal ? refusal->status : kGood;
}

// Byte by byte, as a slow client would have it arrive.
HeadScanner::Found scan_slowly(std::string_view bytes, std::size_t* size) {
  HeadScanner scanner;
  for (std::size_t given = 1; given <= bytes.size(); ++given) {
    const auto found = scanner.scan(bytes.substr(0, given));
    if (found != HeadScanner::Found::kNeedMore) {
      *size = scanner.size();
      return found;
    }
  }
  return HeadScanner::Found::kNeedMore;
}

std::string with(std::string_view fields) {
  return "POST /v1/votes HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

std::string line(std::string_view request_line) {
  return std::string(request_line) + "\r\nHost: a\r\n\r\n";
}

}  // namespace

TEST_CASE("a request line is a method, a target and a version") {
  const auto [text, status] = GENERATE(table<std::string, int>({
      {"GET / HTTP/1.1", kGood},
      {"GET / HTTP/1.0", kGood},
      {"M-SEARCH /a?b=c&d=%20/?:@ HTTP/1.1", kGood},
      {"GET http://a.b:80/x?y HTTP/1.1", kGood},
      {"GET HTTPS://[::1]:8443 HTTP/1.1", kGood},
      {"GET http://a?y HTTP/1.1", kGood},
      {"OPTIONS * HTTP/1.1", kGood},
      {"GET * HTTP/1.1", 400},
      {"GET /%zz HTTP/1.1", 400},
      {"GET /%2 HTTP/1.1", 400},
      {"GET /a#b HTTP/1.1", 400},
      {"GET /a b HTTP/1.1", 400},
      {"GET /\xc3\xa9 HTTP/1.1", 400},
      {"GET /\"<>\\^`{|} HTTP/1.1", 400},
      {"GET a HTTP/1.1", 400},
      {"GET http:///x HTTP/1.1", 400},
      {"GET http://u@a/x HTTP/1.1", 400},
      {"GET http://a:b/x HTTP/1.1", 400},
      {"GET ftp://a/x HTTP/1.1", 400},
      {"CONNECT a:443 HTTP/1.1", 400},
      {"GET  / HTTP/1.1", 400},
      {"GET /  HTTP/1.1", 400},
      {" GET / HTTP/1.1", 400},
      {"GET / HTTP/1.1 ", 400},
      {"GET\t/\tHTTP/1.1", 400},
      {"GET /", 400},
      {"GET", 400},
      {"G(T / HTTP/1.1", 400},
      {"GET / http/1.1", 400},
      {"GET / HTTP/1.10", 400},
      {"GET / HTTP/11", 400},
      {"GET / XTTP/1.1", 400},
      {"GET / HTTP/1.2", 505},
      {"GET / HTTP/2.0", 505},
      {"GET / HTTP/0.9", 505},
      {"PRI * HTTP/2.0", 505},
  }));
  CAPTURE(text);
  CHECK(status_of(line(text)) == status);
}

TEST_CASE("fields are read strictly") {
  const auto [text, status] = GENERATE(table<std::string, int>({
      {"", kGood},
      {"A:b\r\n", kGood},
      {"A:\r\n", kGood},
      {"A: \t b c \t\r\n", kGood},
      {"A: caf\xc3\xa9\r\n", kGood},
      {"A: a\tb\r\n", kGood},
      {"A : b\r\n", 400},
      {"A\t: b\r\n", 400},
      {": b\r\n", 400},
      {"A\r\n", 400},
      {"A(: b\r\n", 400},
      {"\xc3\xa9: b\r\n", 400},
      {"A: b\r\n folded\r\n", 400},
      {"A: b\r\n\tfolded\r\n", 400},
      {" A: b\r\n", 400},
      {"A: b\nC: d\r\n", 400},
      {"A: b\rC: d\r\n", 400},
      {"A: b\r\r\n", 400},
      {std::string("A: \0\r\n", 6), 400},
      {std::string("A\0: b\r\n", 7), 400},
      {"A: \x01\r\n", 400},
      {"A: \x7f\r\n", 400},
      {"Host: a\r\n", 400},
      {"host: b\r\n", 400},
  }));
  CAPTURE(text);
  CHECK(status_of(with(text)) == status);
}

TEST_CASE("where the body ends is never a guess") {
  const auto [text, status] = GENERATE(table<std::string, int>({
      {"Content-Length: 0\r\n", kGood},
      {"content-length: 0010\r\n", kGood},
      {"Content-Length: 99999999999999999999999\r\n", kGood},
      {"Content-Length:\r\n", 400},
      {"Content-Length: +1\r\n", 400},
      {"Content-Length: -1\r\n", 400},
      {"Content-Length: 1 0\r\n", 400},
      {"Content-Length: 0x10\r\n", 400},
      {"Content-Length: 1.0\r\n", 400},
      {"Content-Length: 1,1\r\n", 400},
      {"Content-Length: 1, 2\r\n", 400},
      {"Content-Length: 1\r\nContent-Length: 1\r\n", 400},
      {"Content-Length: 1\r\nContent-length: 2\r\n", 400},
      {"Transfer-Encoding: chunked\r\n", kGood},
      {"transfer-encoding: CHUNKED\r\n", kGood},
      {"Transfer-Encoding:\r\n", 400},
      {"Transfer-Encoding: gzip\r\n", 400},
      {"Transfer-Encoding: identity\r\n", 400},
      {"Transfer-Encoding: gzip, chunked\r\n", 400},
      {"Transfer-Encoding: chunked, chunked\r\n", 400},
      {"Transfer-Encoding: chunked,\r\n", 400},
      {"Transfer-Encoding: \"chunked\"\r\n", 400},
      {"Transfer-Encoding: chunked;a=b\r\n", 400},
      {"Transfer-Encoding: xchunked\r\n", 400},
      {"Transfer-Encoding: \x0b"
       "chunked\r\n",
       400},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400},
      {"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400},
      {"Transfer-Encoding: chunked\r\nContent-Length: 1\r\n", 400},
      {"Expect: 100-continue\r\n", kGood},
      {"Expect: 100-Continue\r\n", kGood},
      {"Expect: 200-ok\r\n", 417},
      {"Expect: 100-continue, x\r\n", 417},
      {"Expect:\r\n", 417},
  }));
  CAPTURE(text);
  CHECK(status_of(with(text)) == status);
}

TEST_CASE("a host is there once in HTTP/1.1, and is one") {
  const auto [text, status] = GENERATE(table<std::string, int>({
      {"GET / HTTP/1.1\r\nHost: a.example:8080\r\n\r\n", kGood},
      {"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", kGood},
      {"GET / HTTP/1.1\r\nHost:\r\n\r\n", kGood},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET http://a/ HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: :80\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: []\r\n\r\n", 400},
      {"GET / HTTP/1.0\r\n\r\n", kGood},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", kGood},
      {"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\n", 400},
      {"GET / HTTP/1.1\r\n\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\nHost: a\n\n", 400},
      {"\r\n\r\n", 400},
      {"", 400},
  }));
  CAPTURE(text);
  CHECK(status_of(text) == status);
}

TEST_CASE("a head says what was sent, wherever it is moved") {
  RequestHead parsed;
  REQUIRE(
      !parsed.parse("POST /v1/votes?dry HTTP/1.1\r\nHost: a\r\nce-id:  x \r\nCE-ID: y\r\n"
                    "content-LENGTH: 12\r\nExpect: 100-continue\r\n\r\n"));
  const RequestHead head = std::move(parsed);
  CHECK(head.method() == "POST");
  CHECK(head.target() == "/v1/votes?dry");
  CHECK(head.path() == "/v1/votes");
  CHECK(head.query() == "dry");
  CHECK(head.minor_version() == 1);
  CHECK(head.find("Ce-Id") == "x");
  CHECK(head.count("ce-id") == 2);
  CHECK(head.find("ce") == std::nullopt);
  CHECK(head.field_count() == 5);
  CHECK(head.field(2).name == "CE-ID");
  CHECK(head.content_length() == 12);
  CHECK(!head.chunked());
  CHECK(head.keep_alive());
  CHECK(head.expect_continue());
}

TEST_CASE("a length past every number is the largest, never a small one") {
  RequestHead head;
  const auto [text, length] = GENERATE(table<std::string, std::uint64_t>({
      {"18446744073709551615", UINT64_MAX},
      {"18446744073709551616", UINT64_MAX},
      {"184467440737095516160", UINT64_MAX},
      {"00000000000000000000000000007", 7},
  }));
  REQUIRE(!head.parse(with("Content-Length: " + text + "\r\n")));
  CHECK(head.content_length() == length);
}

TEST_CASE("a path is never empty") {
  const auto [text, path, query] = GENERATE(table<std::string, std::string, std::string>({
      {"GET http://a HTTP/1.1", "/", ""},
      {"GET http://a?b HTTP/1.1", "/", "b"},
      {"OPTIONS http://a HTTP/1.1", "*", ""},
      {"OPTIONS * HTTP/1.1", "*", ""},
      {"GET /a%2fb? HTTP/1.1", "/a%2fb", ""},
      {"GET //a HTTP/1.1", "//a", ""},
  }));
  RequestHead head;
  REQUIRE(!head.parse(line(text)));
  CHECK(head.path() == path);
  CHECK(head.query() == query);
}

TEST_CASE("a connection is kept as its version and its options have it") {
  const auto [text, kept] = GENERATE(table<std::string, bool>({
      {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo , CLOSE\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: foo\r\nconnection: close\r\n\r\n", false},
      {"GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n", true},
      {"GET / HTTP/1.0\r\n\r\n", false},
      {"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true},
      {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false},
  }));
  RequestHead head;
  REQUIRE(!head.parse(text));
  CHECK(head.keep_alive() == kept);
}

TEST_CASE("one object reads one head after another") {
  RequestHead head;
  REQUIRE(!head.parse(with("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n")));
  REQUIRE(!head.parse("GET /b HTTP/1.0\r\n\r\n"));
  CHECK(head.field_count() == 0);
  CHECK(!head.chunked());
  CHECK(!head.expect_continue());
  CHECK(!head.content_length());
  CHECK(head.query().empty());
}

TEST_CASE("the end of a head is found at its last byte, and rubbish at its first") {
  using Found = HeadScanner::Found;
  const std::string good = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto [text, found, size] = GENERATE_COPY(table<std::string, Found, std::size_t>({
      {good + "body", Found::kWhole, good.size()},
      {"\r\n" + good + good, Found::kWhole, good.size() + 2},
      {"GET / HTTP/1.1\r\n\r\nx", Found::kWhole, 18},
      {"\r\n\r\nGET", Found::kMalformed, 4},
      {"GET / HTTP/1.1\nHost", Found::kMalformed, 15},
      {"GET / HTTP/1.1\rHost", Found::kMalformed, 16},
      {"\n", Found::kMalformed, 1},
      {std::string("GET \0", 5), Found::kMalformed, 5},
      {"\x16\x03\x01", Found::kMalformed, 1},
      {"GET / HTTP/1.1\r\nHost: a\r\n", Found::kNeedMore, 0},
  }));
  CAPTURE(text);
  std::size_t slow_size = 0;
  CHECK(scan_slowly(text, &slow_size) == found);
  CHECK(slow_size == size);
  HeadScanner at_once;
  CHECK(at_once.scan(text) == found);
}

namespace {

// Inside a property.
std::string mutated(std::string text) {
  const auto edits = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
      rc::gen::pair(rc::gen::inRange<std::size_t>(0, text.size()), rc::gen::arbitrary<char>()));
  for (const auto& [at, c] : edits) {
    if (c % 3 == 0) text.erase(at % text.size(), 1);
    if (c % 3 == 1) text.insert(at % text.size(), 1, c);
    if (c % 3 == 2) text[at % text.size()] = c;
    if (text.empty()) text.push_back('x');
  }
  return text;
}

}  // namespace

TEST_CASE("a mutated head is read or refused, and what is read is well formed") {
  CHECK(rc::check([] {
    const std::string text = mutated(with("Content-Length: 3\r\nA: b\r\nConnection: close\r\n"));
    HeadScanner scanner;
    if (scanner.scan(text) != HeadScanner::Found::kWhole) return;
    RequestHead head;
    if (head.parse(std::string_view(text).substr(0, scanner.size()))) return;
    RC_ASSERT(is_token(head.method()));
    RC_ASSERT(head.path().starts_with('/') || head.path() == "*");
    RC_ASSERT(head.count("content-length") <= 1);
    for (std::size_t i = 0; i < head.field_count(); ++i) RC_ASSERT(is_token(head.field(i).name));
  }));
}
