#include "tools/import/atproto/data/cid.h"

#include <catch2/catch.hpp>

#include "tools/import/atproto/bytes/base64.h"
#include "tools/import/atproto/bytes/sha256.h"

using namespace sluice::atproto;

namespace {

// Of the interoperability fixtures.
const std::string kText = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

}  // namespace

TEST_CASE("a CID reads back from its bytes and from its text") {
  const auto cid = Cid::from_text(kText);
  REQUIRE(cid);
  CHECK(cid->text() == kText);
  CHECK(cid->codec() == Cid::Codec::dag_cbor);
  CHECK(Cid::from_bytes(cid->bytes()) == cid);
  CHECK(Cid::from_text(Cid::of(Cid::Codec::raw, "x").text()) == Cid::of(Cid::Codec::raw, "x"));
  CHECK(Cid::of(Cid::Codec::raw, "x").text().starts_with("bafkrei"));
}

TEST_CASE("a CID is of the block it was made of, and of no other") {
  const Cid cid = Cid::of(Cid::Codec::dag_cbor, "block");
  CHECK(cid.is_of("block"));
  CHECK_FALSE(cid.is_of("Block"));
  CHECK_FALSE(cid.is_of(""));
}

TEST_CASE("SHA-256 is that of FIPS 180-4") {
  const Sha256 digest = sha256("abc");
  std::string text;
  append_base64(text, {digest.data(), digest.size()});
  CHECK(text == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0");
}

TEST_CASE("other forms of a CID are refused") {
  const auto with = [](std::size_t at, char c) {
    std::string text = kText;
    text[at] = c;
    return Cid::from_text(text).has_value();
  };
  CHECK_FALSE(with(0, 'B'));
  CHECK_FALSE(with(1, 'A'));
  CHECK_FALSE(with(20, '1'));
  CHECK_FALSE(with(20, '0'));
  CHECK_FALSE(with(58, 'b'));  // bits behind the last byte
  CHECK_FALSE(Cid::from_text(kText.substr(0, 58)));
  CHECK_FALSE(Cid::from_text(kText + "a"));
  CHECK_FALSE(Cid::from_text(""));
  CHECK_FALSE(
      Cid::from_text("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"));  // dag-pb
  CHECK_FALSE(Cid::from_bytes(std::string(36, '\1')));
  CHECK_FALSE(Cid::from_bytes(""));
}

TEST_CASE("base64 is read with and without padding and written without") {
  const auto text_of = [](std::string_view bytes) {
    std::string text;
    append_base64(text, bytes);
    return text;
  };
  CHECK(text_of("") == "");
  CHECK(text_of("a") == "YQ");
  CHECK(text_of("ab") == "YWI");
  CHECK(text_of("abc") == "YWJj");
  CHECK(text_of("\xff\xfe\xfd\xfc") == "//79/A");
  for (const char* text : {"YQ", "YQ==", "YR"}) CHECK(decode_base64(text) == "a");
  CHECK(decode_base64("YWI=") == "ab");
  CHECK(decode_base64("") == "");
  for (const char* text :
       {"Y", "YQ=", "YWJj=", "Y Q=", "__79", "=", "==", "YQ===", "Y===", "YQ==YQ=="}) {
    INFO(text);
    CHECK_FALSE(decode_base64(text));
  }
}
