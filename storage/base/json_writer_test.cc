#include "storage/base/json_writer.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <string>

namespace sluice {

TEST_CASE("commas stand between values, and nowhere else") {
  JsonWriter json;
  json.begin_object().field("a", 1).name("b").begin_array().text("x").flag(false).null();
  json.begin_object().end_object().begin_array().end_array().json("[1]").end_array();
  json.field("c", true).field("d", "text").end_object();
  CHECK(json.take() == R"({"a":1,"b":["x",false,null,{},[],[1]],"c":true,"d":"text"})");
}

TEST_CASE("a text is escaped where JSON asks for it, and else left as it is") {
  CHECK(json_string("") == R"("")");
  CHECK(json_string("say \"hi\" \\ \n\t") == R"("say \"hi\" \\ \u000a\u0009")");
  CHECK(json_string(std::string("\0a\x1f\x7f", 4)) == "\"\\u0000a\\u001f\x7f\"");
  CHECK(json_string("grüße \xf0\x9f\x98\x80 \xff") == "\"grüße \xf0\x9f\x98\x80 \xff\"");
}

TEST_CASE("numbers are whole, or the fewest digits that read back the same") {
  JsonWriter json;
  json.begin_array().number(std::numeric_limits<std::int64_t>::min());
  json.number(std::numeric_limits<std::uint64_t>::max()).number(std::size_t{0});
  json.real(0.1).real(1e300).real(-0.0).real(1.0 / 3);
  json.real(std::numeric_limits<double>::infinity());
  json.real(std::numeric_limits<double>::quiet_NaN()).end_array();
  CHECK(json.take() ==
        "[-9223372036854775808,18446744073709551615,0,0.1,1e+300,0,0.3333333333333333,null,null]");
}

TEST_CASE("what is in a string already stays before what is written behind it") {
  std::string out = "data: ";
  JsonWriter(out).begin_array().number(1).end_array();
  CHECK(out == "data: [1]");
}

}  // namespace sluice
