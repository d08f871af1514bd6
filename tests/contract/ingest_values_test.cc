// Numbers and times, as JSON writes them.

#include <google/protobuf/wrappers.pb.h>

#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <string_view>

#include "ingest/json_fact.h"
#include "ingest/json_items.h"
#include "ingest/timestamp.h"

namespace sluice {
namespace {

// What a field of the wrapper's type makes of a JSON value: its digits, or why it is refused.
template <class Wrapper>
std::string field_of(const std::string& value) {
  simdjson::dom::parser parser;
  const std::string json = with_readable_numbers(R"({"value":)" + value + "}");
  Wrapper wrapper;
  Faults faults;
  read_message(parser.parse(json), wrapper, {"data"}, faults);
  if (faults.count() == 0) return (std::ostringstream() << wrapper.value()).str();
  CHECK(faults.kept()[0].field == "data.value");
  return faults.kept()[0].reason;
}

TEST_CASE("a number is its value, however it is written, and nothing is rounded to fit") {
  const std::string whole = "must be a whole number of 64 bits";
  const std::string natural = whole + " that is not negative";
  const std::string exact =
      "must be written without fraction and exponent, since it is 2^53 or more";
  const std::string real = "must be a number within the range of a double";
  // As an int64, a uint64 and a double.
  const auto [value, as_int64, as_uint64, as_double] =
      GENERATE_REF(table<std::string, std::string, std::string, std::string>({
          {"-0", "0", "0", "0"},
          {"-0.0", "0", "0", "0"},
          {"-0e0", "0", "0", "0"},
          {"1.0", "1", "1", "1"},
          {"-1.0", "-1", natural, "-1"},
          {"1e2", "100", "100", "100"},
          {"1E+2", "100", "100", "100"},
          {"1200e-2", "12", "12", "12"},
          {"0.5", whole, natural, "0.5"},
          {"1e-400", "0", "0", "0"},
          {"1e400", whole, natural, real},
          {"-1e400", whole, natural, real},
          {"9007199254740991.0", "9007199254740991", "9007199254740991", "9.0072e+15"},
          {"9007199254740993.0", exact, exact, "9.0072e+15"},
          {"1e18", exact, exact, "1e+18"},
          {"9223372036854775807", "9223372036854775807", "9223372036854775807", "9.22337e+18"},
          {"9223372036854775808", whole, "9223372036854775808", "9.22337e+18"},
          {"-9223372036854775808", "-9223372036854775808", natural, "-9.22337e+18"},
          {"-9223372036854775809", whole, natural, "-9.22337e+18"},
          {"18446744073709551616", whole, natural, "1.84467e+19"},
          {R"("7")", "7", "7", "7"},
          {R"("-7")", "-7", natural, "-7"},
          {R"("-0")", whole, natural, "0"},
          {R"("1.0")", whole, natural, "1"},
          {R"("9223372036854775808")", whole, "9223372036854775808", "9.22337e+18"},
          {R"("1e400")", whole, natural, real},
          {R"("")", whole, natural, real},
          {"true", whole, natural, real},
      }));
  CAPTURE(value);
  CHECK(field_of<google::protobuf::Int64Value>(value) == as_int64);
  CHECK(field_of<google::protobuf::UInt64Value>(value) == as_uint64);
  CHECK(field_of<google::protobuf::DoubleValue>(value) == as_double);
  CHECK(field_of<google::protobuf::Int32Value>("2147483648") ==
        "must be a whole number of 32 bits");
  CHECK(field_of<google::protobuf::UInt32Value>("-1") ==
        "must be a whole number of 32 bits that is not negative");
}

TEST_CASE("times are cut down to the millisecond, wherever they were written") {
  const auto count = [](std::string_view text) {
    const auto time = parse_timestamp(text);
    return time ? time->time_since_epoch().count() : -1;
  };
  CHECK(count("1970-01-01T00:00:00Z") == 0);
  CHECK(count("1970-01-01t00:00:00.9999999z") == 999);
  CHECK(count("1970-01-01T02:00:00.5+02:00") == 500);
  CHECK(count("1969-12-31T23:59:59.999-00:30") == 30 * 60 * 1000 - 1);
  CHECK(count("2016-12-31T23:59:60Z") == 1483228800000);
  CHECK(count("2016-12-31T22:59:60Z") == -1);
  CHECK(parse_timestamp("0001-01-01T00:00:00Z").has_value());
  CHECK_FALSE(parse_timestamp("0001-01-01T00:00:00+00:01").has_value());
  for (const std::string_view text :
       {"", "2024", "2024-02-30T00:00:00Z", "2024-01-01T24:00:00Z", "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z", "2024-01-01T00:00:00.Z", "2024-01-01T00:00:00+2:00",
        "2024-01-01T00:00:00Zx", "+2024-01-01T00:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_timestamp(text).has_value());
  }
}

}  // namespace
}  // namespace sluice
