#include "tools/import/atproto/data/canonical.h"

#include <simdjson.h>

#include "tools/import/atproto/testing/made_cbor.h"
#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using namespace sluice::atproto::testing;

namespace {

const std::string kCid = "bafkreiccldh766hwcnuxnf2wh6jgzepf2nlu2lvcllt63eww5p6chi4ity";
const std::string kBlob =
    R"({"ref":{"$link":")" + kCid + R"("},"size":1,"$type":"blob","mimeType":"a/b"})";

std::string canonical_of_cbor(std::string_view bytes) {
  Document document;
  std::string out = "before ";
  auto fault = decode_cbor(bytes, document);
  if (!fault) fault = append_canonical(document.root(), out);
  if (fault) {
    CHECK(out == "before ");
    return "byte " + std::to_string(fault->at) + ": " + fault->reason;
  }
  return out.substr(7);
}

// {"a": ...} with so many lists and maps in each other in all.
std::string nested(int depth, const std::string& inner) {
  const auto lists = static_cast<std::size_t>(depth - 1);
  return "{\"a\":" + std::string(lists, '[') + inner + std::string(lists, ']') + "}";
}

}  // namespace

TEST_CASE("a record is written with its keys by length, then bytes, and the least escapes") {
  CHECK(
      canonical(R"( { "bb" : 1 , "a" : [ ] , "c" : { } , "" : null , "ab" : true, "B":false } )") ==
      R"({"":null,"B":false,"a":[],"c":{},"ab":true,"bb":1})");
  CHECK(canonical(R"({"a":"\u0041\/\u00e9\ud83d\ude00\"\\\n\u007f"})") ==
        "{\"a\":\"A/\xc3\xa9\xf0\x9f\x98\x80\\\"\\\\\\u000a\x7f\"}");
  CHECK(canonical(R"({"a":{"$bytes":"YQ=="}})") == R"({"a":{"$bytes":"YQ"}})");
  CHECK(canonical(R"({"a":{"$bytes":"123"}})") == R"({"a":{"$bytes":"120"}})");
  CHECK(canonical(R"({"a":[-0,0,-1,9223372036854775807,-9223372036854775808,123.0,-5.00]})") ==
        R"({"a":[0,0,-1,9223372036854775807,-9223372036854775808,123,-5]})");
  CHECK(canonical(kBlob) ==
        R"({"ref":{"$link":")" + kCid + R"("},"size":1,"$type":"blob","mimeType":"a/b"})");
}

TEST_CASE("U+0000 is written as U+FFFD") {
  CHECK(canonical("{\"a\":\"x\\u0000y\"}") == "{\"a\":\"x\xef\xbf\xbdy\"}");
  CHECK(canonical("{\"\\u0000\":1,\"aa\":2}") == "{\"aa\":2,\"\xef\xbf\xbd\":1}");
  CHECK(canonical("{\"\\u0000\":1,\"\\ufffd\":2}") == "byte 12: a key for the second time");
  CHECK(canonical_of_cbor(from_hex("a1 61 61 63 780079")) == "{\"a\":\"x\xef\xbf\xbdy\"}");
}

TEST_CASE("what is no JSON, or none that the data model has, is refused with its place") {
  const auto [json, want] = GENERATE(table<std::string, std::string>({
      {"", "byte 0: no JSON value"},
      {"{", "byte 1: a key that is no text"},
      {"{}x", "byte 2: text behind the value"},
      {"{}{}", "byte 2: text behind the value"},
      {"{\"a\"}", "byte 4: no colon behind a key"},
      {"{\"a\":}", "byte 5: no JSON value"},
      {"{\"a\":1,}", "byte 7: a key that is no text"},
      {"{\"a\":[1,]}", "byte 8: no JSON value"},
      {"{\"a\":[1 2]}", "byte 8: neither comma nor ]"},
      {"{\"a\":1 \"b\":2}", "byte 7: neither comma nor }"},
      {"{\"a\":nul}", "byte 5: no JSON value"},
      {"{\"a\":01}", "byte 5: a number that begins with 0"},
      {"{\"a\":-}", "byte 5: no JSON value"},
      {"{\"a\":+1}", "byte 5: no JSON value"},
      {"{\"a\":1.}", "byte 5: a point without digits"},
      {"{\"a\":.5}", "byte 5: no JSON value"},
      {"{\"a\":1.5}", "byte 5: a number with a fraction"},
      {"{\"a\":1.05}", "byte 5: a number with a fraction"},
      {"{\"a\":1e2}", "byte 5: a number with an exponent"},
      {"{\"a\":1.0E2}", "byte 5: a number with an exponent"},
      {"{\"a\":9223372036854775808}", "byte 5: a number beyond 64 bits"},
      {"{\"a\":-9223372036854775809}", "byte 5: a number beyond 64 bits"},
      {"{\"a\":\"x}", "byte 5: a text without end"},
      {"{\"a\":\"x\n\"}", "byte 7: a control character in a text"},
      {"{\"a\":\"\\x\"}", "byte 6: an unknown escape"},
      {"{\"a\":\"\\u12g4\"}", "byte 6: an escape without four digits"},
      {"{\"a\":\"\\u12\"}", "byte 6: an escape without four digits"},
      {"{\"a\":\"\\u-123\"}", "byte 6: an escape without four digits"},
      {"{\"a\":\"\\ud800\"}", "byte 6: half of a surrogate pair"},
      {"{\"a\":\"\\ud800x\"}", "byte 6: half of a surrogate pair"},
      {"{\"a\":\"\\ud800\\u0041\"}", "byte 6: half of a surrogate pair"},
      {"{\"a\":\"\\ud800\\ud800\"}", "byte 6: half of a surrogate pair"},
      {"{\"a\":\"b\\udc00\"}", "byte 7: half of a surrogate pair"},
      {"{\"a\":\"\xff\"}", "byte 6: not UTF-8"},
      {"{\"a\":\"\xed\xa0\x80\"}", "byte 6: not UTF-8"},
      {"{\"a\":1,\"b\":2,\"a\":3}", "byte 13: a key for the second time"},
      {"{\"a\":1,\"\\u0061\":3}", "byte 7: a key for the second time"},
      {"[]", "byte 0: a record that is no map"},
      {"\"blah\"", "byte 0: a record that is no map"},
      {"{\"$link\":\"x\"}", "byte 0: a record that is no map"},
      {"{\"a\":{\"$link\":\"x\"}}", "byte 5: a link in no form that atproto has"},
      {"{\"a\":{\"$link\":1}}", "byte 5: a link in no form that atproto has"},
      {"{\"a\":{\"$link\":\"x\",\"b\":1}}", "byte 5: $link with something beside it"},
      {"{\"a\":{\"$bytes\":\"Y\"}}", "byte 5: $bytes that is no base64"},
      {"{\"a\":{\"$bytes\":1}}", "byte 5: $bytes that is no base64"},
      {"{\"a\":{\"b\":1,\"$bytes\":\"YQ\"}}", "byte 5: $bytes with something beside it"},
      {"{\"a\":1,\"$type\":\"\"}", "byte 15: $type that is no text or empty"},
      {"{\"b\":{\"$type\":\"blob\"}}", "byte 5: a blob without ref"},
  }));
  INFO(json);
  CHECK(canonical(json) == want);
}

TEST_CASE("64 lists and maps in each other are taken, 65 are not, and a link counts as a map") {
  const std::string deepest = nested(64, "1");
  CHECK(canonical(deepest) == deepest);
  CHECK(canonical(nested(65, "1")) == "byte 68: too deep");
  CHECK(canonical(nested(65, "1"), 66) == "byte 68: deeper than 64");
  const std::string link = "{\"$link\":\"" + kCid + "\"}";
  CHECK(canonical(nested(63, link)) == nested(63, link));
  CHECK(canonical(nested(64, link)) == "byte 68: too deep");
  CHECK(canonical_of_cbor(cbor_of(nested(63, link))) == nested(63, link));
  Document document;
  const std::string too_deep = nested(64, link);
  REQUIRE_FALSE(decode_json(too_deep, document, 65));
  std::string bytes;
  append_cbor(bytes, document.root());
  CHECK(canonical_of_cbor(bytes) == "byte 66: deeper than 64");
}

TEST_CASE("a map of DAG-CBOR that JSON would read as a link is taken for what JSON would read") {
  std::string bytes = from_hex("a1 61 61 a1 65 24 6c 69 6e 6b 78 3b") + kCid;
  CHECK(canonical_of_cbor(bytes) == "{\"a\":{\"$link\":\"" + kCid + "\"}}");
  bytes.back() = '!';
  CHECK(canonical_of_cbor(bytes) == "byte 3: a link in no form that atproto has");
}

TEST_CASE("a record of more than ingest takes is refused") {
  const auto sized = [](std::size_t size) {
    return "{\"a\":\"" + std::string(size - 8, 'x') + "\"}";
  };
  CHECK(canonical(sized(kMaxRecordBytes)) == sized(kMaxRecordBytes));
  CHECK(canonical(sized(kMaxRecordBytes + 1)) == "byte 0: a record beyond 384 KiB");
}

TEST_CASE("the interoperability lists of valid and invalid data are taken and refused") {
  const auto wrongly = [](bool taken, const char* list) {
    simdjson::dom::parser parser;
    std::vector<std::string> wrong;
    std::size_t count = 0;
    for (const simdjson::dom::element one :
         parser.load((kNetworkData / "interop/data-model" / list).string()).get_array()) {
      const std::string json = simdjson::minify(one["json"]);
      if (canonical(json).starts_with('{') == taken) wrong.push_back(json);
      ++count;
    }
    CHECK(count >= 5);
    return wrong;
  };
  CHECK(wrongly(false, "data-model-valid.json").empty());
  CHECK(wrongly(true, "data-model-invalid.json").empty());
}
