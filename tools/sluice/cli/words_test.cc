#include <catch2/catch.hpp>

#include "schemas/descriptors/nearest.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/cli/units.h"
#include "tools/sluice/client/event_line.h"
#include "tools/sluice/client/token.h"

using namespace sluice;
using namespace std::chrono_literals;

TEST_CASE("whole numbers") {
  CHECK(parse_whole("-12") == -12);
  for (const char* wrong : {"", "1.5", " 1", "1x", "99999999999999999999"}) {
    INFO(wrong);
    CHECK_FALSE(parse_whole(wrong));
  }
}

TEST_CASE("sizes") {
  CHECK(parse_bytes("512MiB") == 512u << 20);
  CHECK(parse_bytes("1.5KiB") == 1536u);
  CHECK(parse_bytes("2GB") == 2000000000u);
  CHECK(parse_bytes("17") == 17u);
  CHECK(parse_bytes("2TiB") == std::uint64_t{2} << 40);
  for (const char* wrong :
       {"", "MiB", "-1", "1 MiB", "1mib", "0.5", "1e3", "99999999999GiB", "nan", "inf"}) {
    INFO(wrong);
    CHECK_FALSE(parse_bytes(wrong));
  }
  CHECK(show_bytes(512u << 20) == "512MiB");
  CHECK(show_bytes(1000) == "1000");
}

TEST_CASE("times") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("1.5s") == 1500ms);
  CHECK(parse_duration("30") == 30s);
  CHECK(parse_duration("24h") == 24h);
  CHECK(parse_duration("0s") == 0ms);
  for (const char* wrong : {"", "s", "-1s", "0.5ms", "1 s", "1y"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
  CHECK(show_duration(90s) == "90s");
  CHECK(show_duration(24h) == "24h");
}

TEST_CASE("joined tokens ask for the furthest position of each partition") {
  Token token;
  token.add("");
  CHECK(token.text().empty());
  token.add("deliberation:3@812,people:0@17");
  token.add("deliberation:3@800");
  token.add("deliberation:10@5,deliberation:2@9");
  CHECK(token.text() == "deliberation:2@9,deliberation:3@812,deliberation:10@5,people:0@17");
  token.add("people~k3f9q2:0@3,people~k3f9q2:0@2,people~x00000:0@1");
  CHECK(token.text() ==
        "deliberation:2@9,deliberation:3@812,deliberation:10@5,people:0@17,people~k3f9q2:0@3,"
        "people~x00000:0@1");
}

TEST_CASE("what is no token is refused") {
  for (const char* wrong :
       {"deliberation", ":1@2", "Xx:1@2", "a-b:1@2", "a:1", "a@1:2", "a:-1@2", "a:1@-2", "a:1@2x",
        "a~:1@2", "a~k3f9q:1@2", "a~K3f9q2:1@2", "~k3f9q2:1@2", ",a:1@2", "a:99999999999@1"}) {
    INFO(wrong);
    Token token;
    CHECK_THROWS_AS(token.add(wrong), Misconfigured);
  }
}

TEST_CASE("an event keeps its id, or gets one") {
  CHECK(with_id(R"({"id":"a","type":"t"})", "x") == R"({"id":"a","type":"t"})");
  CHECK(with_id(R"({"type":"t","data":{"id":"inner"}})", "x") ==
        R"({"id":"x","type":"t","data":{"id":"inner"}})");
  CHECK(with_id(R"( { "type":"t"})", "x") == R"( {"id":"x", "type":"t"})");
  CHECK(with_id(R"({"type":"t","id" : null ,"n":123456789012345678901234567890})", "x") ==
        R"({"type":"t","id":"x" ,"n":123456789012345678901234567890})");
  CHECK(with_id(R"({"\u0069d":"a"})", "x") == R"({"\u0069d":"a"})");
  CHECK(with_id("{}", "x") == R"({"id":"x"})");
  CHECK(random_id().size() == 32);
  CHECK(random_id() != random_id());
}

TEST_CASE("a line that is no object is refused") {
  for (const char* wrong : {"", "x", "[]", "1", "{", R"({"a")", "null"}) {
    INFO(wrong);
    CHECK_THROWS_AS(with_id(wrong, "x"), Misconfigured);
  }
}

TEST_CASE("text as JSON") {
  CHECK(json_string("a\"b\\c\n\x01\xc3\xa4") == "\"a\\\"b\\\\c\\u000a\\u0001\xc3\xa4\"");
}

TEST_CASE("the nearest name") {
  const std::vector<std::string> names = {"postgres", "http", "batch"};
  CHECK(nearest("postgers", names) == "postgres");
  CHECK(nearest("htp", names) == "http");
  CHECK(nearest("zzzzzzzz", names).empty());
}
