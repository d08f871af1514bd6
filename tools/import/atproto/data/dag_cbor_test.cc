#include "tools/import/atproto/data/dag_cbor.h"

#include <simdjson.h>
#include <limits>

#include "tools/import/atproto/testing/made_cbor.h"
#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using namespace sluice::atproto::testing;

namespace {

// "byte N: why not", or "" of what is well-formed.
std::string complaint(std::string_view bytes) {
  Document document;
  const auto fault = decode_cbor(bytes, document);
  return fault ? "byte " + std::to_string(fault->at) + ": " + fault->reason : "";
}

std::string nested(std::size_t depth) { return std::string(depth - 1, '\x81') + "\x80"; }

}  // namespace

TEST_CASE("what is not strict DAG-CBOR is refused, with its place") {
  const auto [hex, want] = GENERATE(table<std::string, std::string>({
      {"", "byte 0: ends where a value is due"},
      {"01 02", "byte 1: bytes behind the value"},
      // Longer than needed.
      {"18 17", "byte 0: a number or length not in its shortest form"},
      {"19 00ff", "byte 0: a number or length not in its shortest form"},
      {"1a 0000ffff", "byte 0: a number or length not in its shortest form"},
      {"1b 00000000ffffffff", "byte 0: a number or length not in its shortest form"},
      {"78 01 61", "byte 0: a number or length not in its shortest form"},
      {"d9 002a 40", "byte 0: a number or length not in its shortest form"},
      // Beyond 64 bits with sign.
      {"1b 8000000000000000", "byte 0: a number beyond 64 bits"},
      {"3b 8000000000000000", "byte 0: a number beyond 64 bits"},
      // Nothing indefinite, nothing reserved.
      {"5f 40 ff", "byte 0: an indefinite length"},
      {"7f 60 ff", "byte 0: an indefinite length"},
      {"9f ff", "byte 0: an indefinite length"},
      {"bf ff", "byte 0: an indefinite length"},
      {"1c", "byte 0: a reserved length"},
      {"ff", "byte 0: a simple value other than null"},
      // Floats and simple values.
      {"f9 3c00", "byte 0: a float"},
      {"fa 3f800000", "byte 0: a float"},
      {"fb 3ff0000000000000", "byte 0: a float"},
      {"f7", "byte 0: a simple value other than null"},
      {"f8 20", "byte 0: a simple value other than null"},
      // Ends early.
      {"19 01", "byte 0: ends inside a length"},
      {"62 61", "byte 1: a length beyond the end"},
      {"42 61", "byte 1: a length beyond the end"},
      {"82 01", "byte 0: a length beyond the end"},
      {"82 82 01", "byte 1: a length beyond the end"},
      {"a1 61", "byte 0: a length beyond the end"},
      {"a1 61 61", "byte 3: ends where a value is due"},
      // Claims that no memory would hold.
      {"9b 7fffffffffffffff", "byte 0: a length beyond the end"},
      {"bb 7fffffffffffffff 61", "byte 0: a length beyond the end"},
      {"7b ffffffffffffffff", "byte 9: a length beyond the end"},
      {"5b ffffffffffffffff", "byte 9: a length beyond the end"},
      // Keys.
      {"a1 01 02", "byte 1: a key that is no text"},
      {"a2 62 6161 01 61 62 02", "byte 5: keys not by length, then bytes"},
      {"a2 61 62 01 61 61 02", "byte 4: keys not by length, then bytes"},
      {"a2 61 61 01 61 61 02", "byte 4: a key for the second time"},
      {"a2 60 01 60 02", "byte 3: a key for the second time"},
      // UTF-8.
      {"61 ff", "byte 1: a text that is not UTF-8"},
      {"62 c080", "byte 1: a text that is not UTF-8"},
      {"63 eda080", "byte 1: a text that is not UTF-8"},
      {"64 f4908080", "byte 1: a text that is not UTF-8"},
      {"63 61 e282", "byte 2: a text that is not UTF-8"},
      {"a1 61 ff 01", "byte 2: a text that is not UTF-8"},
      // Tags.
      {"c1 00", "byte 0: a tag other than 42"},
      {"d8 2b 40", "byte 0: a tag other than 42"},
      {"d8 2a", "byte 2: ends where a value is due"},
      {"d8 2a 61 61", "byte 0: a tag 42 over no bytes"},
      {"d8 2a f6", "byte 0: a tag 42 over no bytes"},
      {"d8 2a 40", "byte 0: a link in no form that atproto has"},
  }));
  INFO(hex);
  CHECK(complaint(from_hex(hex)) == want);
}

TEST_CASE("a link is a CID of one of the two forms behind a zero byte") {
  const std::string digest(32, 'd');
  const auto link = [&](std::string_view head, std::string_view rest) {
    return complaint(from_hex(head) + std::string(rest));
  };
  CHECK(link("d82a 5825 00 01711220", digest).empty());
  CHECK(link("d82a 5825 00 01551220", digest).empty());
  const std::string refused = "byte 0: a link in no form that atproto has";
  CHECK(link("d82a 5825 01 01711220", digest) == refused);
  CHECK(link("d82a 5825 00 01701220", digest) == refused);  // dag-pb
  CHECK(link("d82a 5825 00 02711220", digest) == refused);
  CHECK(link("d82a 5825 00 01711320", digest) == refused);  // sha2-512
  CHECK(link("d82a 5824 00 01711220", digest.substr(1)) == refused);
  CHECK(link("d82a 5826 00 01711220", digest + "d") == refused);
  CHECK(link("d82a 5824 01711220", digest) == refused);
}

TEST_CASE("values are those that were encoded, with their places") {
  Document document;
  const std::string bytes = from_hex(
      "a4 61 6e 3b 7fffffffffffffff 61 78 1b 7fffffffffffffff 62 6161 83 f4 f5 f6 62 6262 42 00ff");
  REQUIRE_FALSE(decode_cbor(bytes, document));
  const Value root = document.root();
  REQUIRE(root.size() == 4);
  CHECK(root.find("n")->integer() == std::numeric_limits<std::int64_t>::min());
  CHECK(root.find("x")->integer() == std::numeric_limits<std::int64_t>::max());
  CHECK(root.find("bb")->bytes() == std::string_view("\0\xff", 2));
  CHECK(root.find("bb")->at() == bytes.size() - 3);
  std::vector<Kind> kinds;
  for (const Value item : root.find("aa")->items()) kinds.push_back(item.kind());
  CHECK(kinds == std::vector{Kind::boolean, Kind::boolean, Kind::null});
  CHECK_FALSE(root.find("c"));
  CHECK_FALSE(root.find("n")->text());
  CHECK(root.entry(3).key == "bb");
}

TEST_CASE("64 lists in each other are read, 65 are not") {
  CHECK(complaint(nested(64)).empty());
  CHECK(complaint(nested(65)) == "byte 64: deeper than 64");
  CHECK(complaint(nested(1'000'000)) == "byte 64: deeper than 64");
}

TEST_CASE("more values than a document may have are refused, however short the input") {
  std::string list;
  append_head(list, 4, kMaxValues);
  list += std::string(kMaxValues, '\x01');
  CHECK(complaint(list) == "byte " + std::to_string(list.size() - 1) + ": more than 262144 values");
}

TEST_CASE("U+0000 is read as U+FFFD, in keys too, where two may become one") {
  Document document;
  const std::string zeros = from_hex("a2 61 00 62 00 61 63 616161 60");
  REQUIRE_FALSE(decode_cbor(zeros, document));
  // Three bytes long now, and behind "aaa".
  CHECK(document.root().entry(0).key == "aaa");
  CHECK(document.root().entry(1).key == "\xef\xbf\xbd");
  CHECK(document.root().entry(1).value.text() ==
        "\xef\xbf\xbd"
        "a");
  CHECK(complaint(from_hex("a2 61 00 01 63 efbfbd 02")) == "byte 4: a key for the second time");
}

TEST_CASE("a value is read out of the middle, and what is behind it is left") {
  Document document;
  std::size_t at = 1;
  const std::string bytes = from_hex("f6 81 01 f5");
  REQUIRE_FALSE(decode_cbor(bytes, at, document));
  CHECK(at == 3);
  REQUIRE_FALSE(decode_cbor(bytes, at, document));
  CHECK(document.root().boolean() == true);
  CHECK(at == 4);
  REQUIRE(decode_cbor(bytes, at, document));
  CHECK(decode_cbor(bytes, at, document)->at == 4);
}

TEST_CASE("the interoperability fixtures are the same in JSON, in CBOR and by CID") {
  simdjson::dom::parser parser;
  const auto fixtures = parser.load((kNetworkData / "interop/data-model/data-model-fixtures.json"));
  std::size_t count = 0;
  for (const simdjson::dom::element fixture : fixtures.get_array()) {
    const std::string json = simdjson::minify(fixture["json"]);
    const auto bytes = decode_base64(std::string_view(fixture["cbor_base64"]));
    REQUIRE(bytes);
    Document document;
    std::string from_cbor;
    REQUIRE_FALSE(decode_cbor(*bytes, document));
    REQUIRE_FALSE(append_canonical(document.root(), from_cbor));
    CHECK(from_cbor == canonical(json));
    CHECK(cbor_of(json) == *bytes);
    CHECK(Cid::of(Cid::Codec::dag_cbor, *bytes).text() == std::string_view(fixture["cid"]));
    ++count;
  }
  CHECK(count == 3);
}
