#include "tools/import/atproto/messages/jetstream.h"

#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using namespace sluice::atproto::testing;

namespace {

const std::string kHead = R"({"did":"did:plc:a","time_us":1783175888384849,)";
const std::string kCid = "bafyreidfayvfuwqa7qlnopdjiqrxzs6blmoeu4rujcjtnci5beludirz2a";

std::string read(const std::string& line) {
  JetstreamReader reader;
  std::string text;
  for (const std::string& one : described(reader.read(line))) {
    text += (text.empty() ? "" : "\n") + one;
  }
  return text;
}

std::string commit(const std::string& fields) {
  return kHead + R"("kind":"commit","commit":{"rev":"r",)" + fields + "}}";
}

}  // namespace

TEST_CASE("each kind of line is what it says") {
  CHECK(read(commit(R"("operation":"create","collection":"a.b.c","rkey":"k","cid":")" + kCid +
                    R"(","record":{"bb":1,"a":"x"})")) ==
        "did:plc:a r create a.b.c/k " + kCid + " {\"a\":\"x\",\"bb\":1}");
  CHECK(read(commit(R"("operation":"delete","collection":"a.b.c","rkey":"k")")) ==
        "did:plc:a r delete a.b.c/k - ");
  CHECK(
      read(kHead +
           R"("kind":"identity","identity":{"handle":"a.test","time":"1970-01-01T00:00:01Z"}})") ==
      "did:plc:a identity a.test 1000000");
  CHECK(read(kHead + R"("kind":"account","account":{"active":false,)" +
             R"("status":"takendown","time":"1970-01-01T00:00:01Z"}})") ==
        "did:plc:a inactive takendown 1000000");
  CHECK(read(kHead + R"("kind":"labels"})") == "ignored labels");
}

TEST_CASE("a line's time is its time_us") {
  JetstreamReader reader;
  const std::string line = commit(R"("operation":"delete","collection":"a.b.c","rkey":"k")");
  const auto* read = std::get_if<Commit>(&reader.read(line).event);
  REQUIRE(read != nullptr);
  CHECK(read->time.time_since_epoch().count() == 1783175888384849);
}

TEST_CASE("a line that cannot be used says why and where") {
  const std::string at = std::to_string(kHead.size() + 25);
  const std::string put = R"("operation":"create","collection":"a.b.c","rkey":"k",)";
  const auto [line, want] = GENERATE_COPY(table<std::string, std::string>({
      {"", "byte 0: no JSON value"},
      {"not JSON", "byte 0: no JSON value"},
      {"[]", "byte 0: no did"},
      {R"({"time_us":1,"kind":"commit"})", "byte 0: no did"},
      {R"({"did":1,"time_us":1,"kind":"commit"})", "byte 0: no did"},
      {R"({"did":"d","time_us":1})", "byte 0: no kind"},
      {R"({"did":"d","kind":"commit"})", "byte 0: no time_us"},
      {R"({"did":"d","kind":"commit","time_us":-1})", "byte 0: no time_us"},
      {R"({"did":"d","kind":"commit","time_us":253402300800000000})", "byte 0: no time_us"},
      {R"({"did":"d","did":"e","kind":"commit","time_us":1})",
       "byte 11: a key for the second time"},
      {kHead + R"("kind":"commit"})", "byte 0: no object of its kind"},
      {kHead + R"("kind":"account","account":1})", "byte 0: no object of its kind"},
      {kHead + R"("kind":"commit","commit":{}})", "byte " + at + ": no rev"},
      {commit(R"("operation":"move")"), "byte " + at + ": no known operation"},
      {commit(R"("operation":"delete","rkey":"k")"), "byte " + at + ": no collection or rkey"},
      {commit(put + R"("record":{})"), "byte " + at + ": no cid of a form that atproto has"},
      {commit(put + R"("cid":"x","record":{})"),
       "byte " + at + ": no cid of a form that atproto has"},
      {commit(put + R"("cid":")" + kCid + "\""), "byte " + at + ": no record"},
      {commit(put + R"("cid":")" + kCid + R"(","record":1)"),
       "byte " + std::to_string(commit(put + R"("cid":")" + kCid + R"(","record":)").size() - 2) +
           ": a record that is no map"},
  }));
  INFO(line);
  CHECK(read(line) == "malformed " + want);
}

TEST_CASE("a record may be 64 deep, wherever it stands in its line") {
  const auto line = [&](std::size_t lists) {
    return commit(R"("operation":"create","collection":"a.b.c","rkey":"k","cid":")" + kCid +
                  R"(","record":{"a":)" + std::string(lists, '[') + std::string(lists, ']') + "}");
  };
  CHECK_THAT(read(line(63)), Catch::EndsWith("]}"));
  CHECK_THAT(read(line(64)), Catch::EndsWith("too deep"));
}
