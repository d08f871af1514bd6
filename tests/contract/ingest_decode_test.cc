#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "deliberation/events.pb.h"
#include "sluice/envelope.pb.h"
#include "tests/contract/ingest_decoding.h"

namespace sluice::testing {
namespace {

TEST_CASE("an event becomes an envelope, with defaults and a time") {
  const Envelope envelope = envelope_of(structured(
      vote(R"("id":"e1","time":"2024-05-01T12:00:00.0019+02:00","actor":"u","actorlevel":"account",
             "actorrole":"moderator","traceparent":"x","n":1,"nothing":null,)")));
  CHECK(envelope.id() == "e1");
  CHECK(envelope.type() == "vote.set");
  CHECK(envelope.domain() == "deliberation");
  CHECK(envelope.key() == "c");
  CHECK(envelope.source() == "/t");
  CHECK(envelope.recorded_at() == 1'700'000'000'123);
  CHECK(envelope.occurred_at() == 1714557600001);
  CHECK(envelope.actor().id() == "u");
  CHECK(envelope.actor().level() == Actor::LEVEL_ACCOUNT);
  CHECK(envelope.actor().role() == Actor::ROLE_MODERATOR);
  deliberation::Event event;
  REQUIRE(event.ParseFromString(envelope.payload()));
  CHECK(event.vote_set().choice() == deliberation::CHOICE_AGREE);

  const Envelope made = envelope_of(structured(
      R"({"data":{"conversation_id":"c","opinion_id":"o","author_id":"a","body":"\u00e9\ud83d\ude00"},
          "source":"s","type":"opinion.created","specversion":"1.0","id":null})"));
  CHECK(made.id().size() == 36);
  REQUIRE(event.ParseFromString(made.payload()));
  CHECK(event.opinion_created().body() == "\u00e9\U0001F600");
  CHECK(event.opinion_created().auto_vote());
  CHECK(event.opinion_created().has_is_seed());
}

TEST_CASE("faults are told by field") {
  const auto [body, faults] = GENERATE(table<std::string, std::string>({
      {vote(""), "admitted"},
      {vote(R"("datacontenttype":"application/vnd.x+json; charset=utf-8",)"), "admitted"},
      {vote(R"("datacontenttype":"text/xml",)"), "0 datacontenttype"},
      {vote(R"("id":"",)"), "0 id"},
      {vote(R"("id":5,)"), "0 id"},
      {vote("\"id\":\"" + std::string(201, 'x') + "\","), "0 id"},
      {vote(R"("id":"a\u0000",)"), "0 id"},
      {vote(R"("id":"a\u0085",)"), "0 id"},
      {vote(R"("id":"a","id":"b",)"), "0 id"},
      {vote(R"("x":1,"x":2,)"), "0 x"},
      {vote(R"("time":"yesterday",)"), "0 time"},
      {vote(R"("actor":"a b",)"), "0 actor"},
      {vote(R"("actor":"",)"), "admitted"},
      {vote(R"("actorlevel":"king","actorrole":1,)"), "0 actorrole; 0 actorlevel"},
      {vote(R"("actorid":"a",)"), "0 actorid"},
      {vote(R"("actor_role":"moderator",)"), "0 actor_role"},
      {vote(R"("actorRole":"moderator",)"), "0 actorRole"},
      {vote(R"("acotrrole":"moderator",)"), "0 acotrrole"},
      {vote(R"("actr":"a",)"), "0 actr"},
      {vote(R"("Actor":"a",)"), "0 Actor"},
      {vote(R"("actorid":null,)"), "admitted"},
      {vote(R"("ID":"a",)"), "0 ID"},
      {vote(R"("tyme":"2026-01-31T12:00:00Z",)"), "0 tyme"},
      {vote(R"("recordedat":"2026-01-31T12:00:00Z",)"), "0 recordedat"},
      {vote(R"("occurred_at":"2026-01-31T12:00:00Z",)"), "0 occurred_at"},
      {vote(R"("data_content_type":"text/xml",)"), "0 data_content_type"},
      // Extensions that are not ours, the registered ones among them.
      {vote(
           R"("subject":"s","dataschema":"/s","dataref":"/d","partitionkey":"k","traceparent":"t",)"
           R"("sequence":"1","sequencetype":"Integer","sampledrate":3,"expirytime":"t",)"
           R"("recordedtime":"t","severitytext":"INFO","authtype":"user","authid":"a","role":"r",)"
           R"("date":"d","ip":"1","idempotencykey":"i","timestamp":"t","sourceip":"s","trace_id":"t",)"),
       "admitted"},
      {vote(R"("ext":{},)"), "0 ext"},
      {vote(R"("ext":"\u0000",)"), "0 ext"},
      {vote(R"("data_base64":"e30=",)"), "0 data_base64"},
      {vote("", "null"), "0 data"},
      {vote("", "[]"), "0 data"},
      {vote("", "5"), "0 data"},
      {vote("", "{}"),
       "0 data.conversation_id; 0 data.opinion_id; 0 data.participant_id; 0 data.choice"},
      {vote("", R"({"conversation_id":1,"opinion_id":"o","participant_id":"p","choice":"pass"})"),
       "0 data.conversation_id"},
      {vote("", R"({"conversation_id":"c","opinion_id":"o","participant_id":"p","choice":1})"),
       "0 data.choice"},
      {vote(
           "",
           R"({"conversation_id":"c","opinion_id":"o","participant_id":"p","choice":"CHOICE_AGREE"})"),
       "0 data.choice"},
      {vote(
           "",
           R"({"conversation_id":"c","opinion_id":"o","participant_id":"p","choice":"none","vote":{"a":[1]}})"),
       "0 data.vote"},
      {vote(
           "",
           R"({"conversation_id":"c","opinion_id":"o","participant_id":"p","choice":"none","choice":"none"})"),
       "0 data.choice"},
      {R"({"type":"vote.sett","data":{}})", "0 specversion; 0 source; 0 type"},
      {R"({"specversion":"0.3","type":"","source":"","data":{}})",
       "0 specversion; 0 source; 0 type"},
      {R"({"specversion":"1.0","source":"s","type":"conversation.created","data":{
          "conversation_id":"c","owner_id":"o","title":"","slug":"ü",
          "seeds":[{"opinion_id":"a","body":"x"},7,{"opinion_id":"a","body":"\u0000"}]}})",
       "0 data.seeds[1]; 0 data.slug; 0 data.title; 0 data.seeds[2].body; 0 "
       "data.seeds[2].opinion_id"},
  }));
  CAPTURE(body);
  CHECK(faults_of(structured(body)) == faults);
}

TEST_CASE("a misspelled attribute is told which one was meant") {
  const auto [name, meant] = GENERATE(table<std::string, std::string>({
      {"actorid", "did you mean `actor`?"},
      {"actorrol", "did you mean `actorrole`?"},
      {"actor_level", "did you mean `actorlevel`?"},
      {"Time", "did you mean `time`?"},
      {"recordedat", "when it happened is `time`"},
  }));
  const auto reason = Attributes::misspelled(name);
  REQUIRE(reason);
  CHECK_THAT(*reason, Catch::Contains(meant));
}

TEST_CASE("what is not JSON in UTF-8, or no event, is 400") {
  const std::string body = GENERATE_COPY(values<std::string>({
      "",
      " ",
      "{",
      "}",
      "nul",
      vote("") + "x",
      vote("") + vote(""),
      vote("") + ",",
      "[" + vote(""),
      vote("\"a\":tru,"),
      vote("\"a\":01,"),
      vote("\"a\":nullx,"),
      vote("\"a\":\"\x01\","),
      vote("\"a\":\"\xff\","),
      vote(R"("a":"\ud800",)"),
      vote(R"("a":"\udc00",)"),
      vote(R"("a":"\q",)"),
      vote(","),
      vote("", "{\"x\":}"),
      vote("", R"({"conversation_id":"\udc00"})"),
      vote("", R"({"conversation_id":"c",})"),
      vote("", R"({"choice":tru})"),
      "\xef\xbb\xbf" + vote(""),
  }));
  CAPTURE(body);
  CHECK(faults_of(structured(body)) == "400");
}

TEST_CASE("a number that nothing can hold is a fault of its field, and leaves others as they are") {
  const auto started = [](const std::string& total) {
    return R"({"specversion":"1.0","type":"import.started","source":"/t","n":18446744073709551616,)"
           R"("data":{"conversation_id":"c","import_id":"i","total":)" +
           total + "}}";
  };
  deliberation::Event event;
  REQUIRE(event.ParseFromString(envelope_of(structured(started("1234567890123456789"))).payload()));
  CHECK(event.import_started().total() == 1234567890123456789);
  REQUIRE(event.ParseFromString(envelope_of(structured(started("-0"))).payload()));
  CHECK(event.import_started().has_total());
  const auto [total, faults] = GENERATE(table<std::string, std::string>({
      {"1e400", "0 data.total"},
      {"-1E+400", "0 data.total"},
      {"1" + std::string(400, '0'), "0 data.total"},
      {"0.5", "0 data.total"},
      {"-1", "0 data.total"},
      {"01e400", "400"},
      {"1.e400", "400"},
      {"1e", "400"},
      {"-", "400"},
      {"1e400x", "400"},
      {"+1", "400"},
  }));
  CAPTURE(total);
  CHECK(faults_of(structured(started(total))) == faults);
  CHECK(faults_of(structured(vote(R"("n":1e400,)"))) == "0 n");
  CHECK(faults_of(structured(vote(R"("id":1e400,)"))) == "0 id");
  CHECK(faults_of(structured(vote("", "1e400"))) != "admitted");
}

TEST_CASE("a batch is all or nothing, in every mode of many") {
  const auto batch = [](const std::string& body) {
    return decode({{"content-type", "Application/CloudEvents-Batch+JSON; Charset=\"UTF-8\""}},
                  body);
  };
  const auto lines = [](const std::string& body) {
    return decode({{"content-type", "application/x-ndjson"}}, body);
  };
  const std::string good = vote(R"("id":"a",)");
  const std::string bad = vote(R"("id":"",)");
  CHECK(std::get<AdmittedBatch>(batch("[]")).items.empty());
  CHECK(std::get<AdmittedBatch>(lines("\n \r\n")).items.empty());
  CHECK(std::get<AdmittedBatch>(batch("[" + good + " , " + good + "]")).items.size() == 2);
  CHECK(std::get<AdmittedBatch>(lines(good + "\r\n\n" + good)).items.size() == 2);
  CHECK(envelope_of(lines(good + "\n" + vote(R"("id":"b",)")), 1).id() == "b");
  CHECK(faults_of(batch("[" + bad + "," + good + "," + bad + "]")) == "0 id; 2 id");
  CHECK(faults_of(lines(good + "\n" + bad)) == "1 id");
  CHECK(faults_of(batch("[" + good + ",5]")) == "1 ");
  CHECK(faults_of(structured("[]")) == "0 ");
  CHECK(faults_of(batch("[" + good + "]]")) == "400");
  CHECK(faults_of(batch("[" + good + "")) == "400");
  CHECK(faults_of(batch(good)) == "400");
  CHECK(faults_of(lines(good + good)) == "400");
  CHECK(faults_of(lines(good + "\n" + good + "\n" + good + "\n" + good)) == "413");
  CHECK(faults_of(lines(vote("\"x\":\"" + std::string(2000, 'x') + "\","))) == "413");
}

TEST_CASE("a thousand faults are told, and how many there are") {
  Faults faults;
  for (std::size_t i = 0; i < 1500; ++i) {
    faults.begin_event(i);
    faults.add("id", "is wrong");
  }
  CHECK(faults.count() == 1500);
  CHECK(faults.kept().size() == 1000);
}

}  // namespace
}  // namespace sluice::testing
