#include "ingest/decoder.h"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <vector>

#include "deliberation/events.pb.h"
#include "schemas/descriptors/domain.h"
#include "schemas/descriptors/rules.h"
#include "sluice/envelope.pb.h"

namespace sluice {
namespace {

const std::vector<DomainCodec>& codecs() {
  static const std::vector<DomainCodec> all = [] {
    std::vector<DomainCodec> made;
    for (const Domain& domain : domains()) made.emplace_back(domain, 4);
    return made;
  }();
  return all;
}
const DomainCodec& deliberation_codec() {
  for (const DomainCodec& codec : codecs()) {
    if (codec.domain.name == "deliberation") return codec;
  }
  throw std::logic_error("deliberation is built in");
}

StampClock& clock() {
  static StampClock fixed([] { return Time{std::chrono::milliseconds{1'700'000'000'123}}; });
  return fixed;
}

using Decoded = std::variant<AdmittedBatch, Refusal>;
using Header = std::pair<std::string, std::string>;

Decoded decode(const std::vector<Header>& fields, std::string body) {
  Decoder decoder({.batch_events = 3, .event_bytes = 2000}, clock());
  RequestHeaders headers;
  for (const auto& [name, value] : fields) {
    if (name == "content-type") headers.content_type = value;
    if (name.starts_with("ce-")) headers.ce.emplace_back(std::string_view(name).substr(3), value);
  }
  return decoder.decode(deliberation_codec(), headers, std::move(body));
}
Decoded structured(const std::string& body) {
  return decode({{"content-type", "application/cloudevents+json"}}, body);
}

const std::string kData =
    R"({"conversation_id":"c","opinion_id":"o","participant_id":"p","choice":"agree"})";
// With further members, each followed by a comma.
std::string vote(const std::string& members, const std::string& data = kData) {
  return R"({"specversion":"1.0","type":"vote.set","source":"/t",)" + members + R"("data":)" +
         data + "}";
}

std::string_view value_of(const AdmittedBatch& batch, std::size_t index) {
  const AdmittedBatch::Item& item = batch.items.at(index);
  return std::string_view(batch.bytes).substr(item.begin + item.key_size, item.value_size);
}

Envelope envelope_of(const Decoded& decoded, std::size_t index = 0) {
  if (const auto* refusal = std::get_if<Refusal>(&decoded)) {
    const auto& faults = refusal->faults.kept();
    FAIL(refusal->status << " " << refusal->detail << " "
                         << (faults.empty() ? "" : faults[0].field + " " + faults[0].reason));
  }
  const auto& batch = std::get<AdmittedBatch>(decoded);
  Envelope envelope;
  REQUIRE(envelope.ParseFromString(std::string(value_of(batch, index))));
  const AdmittedBatch::Item& item = batch.items.at(index);
  CHECK(envelope.key() == batch.bytes.substr(item.begin, item.key_size));
  return envelope;
}

// "0 data.choice", one a fault; or the status of another refusal.
std::string faults_of(const Decoded& decoded) {
  const auto* refusal = std::get_if<Refusal>(&decoded);
  if (refusal == nullptr) return "admitted";
  if (refusal->status != 422) return std::to_string(refusal->status);
  std::string all;
  for (const EventFault& fault : refusal->faults.kept()) {
    all += (all.empty() ? "" : "; ") + std::to_string(fault.index) + " " + fault.field;
  }
  return all;
}

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

TEST_CASE("binary mode reads attributes from headers") {
  const auto binary = [](std::vector<Header> more, const std::string& body = kData) {
    std::vector<Header> headers = {
        {"ce-specversion", "1.0"}, {"ce-type", "vote.set"}, {"ce-source", "/t"}};
    headers.insert(headers.end(), more.begin(), more.end());
    return decode(headers, body);
  };
  CHECK(envelope_of(binary({{"ce-id", "\"a%20b%zz%\""}, {"content-type", "application/json"}}))
            .id() == "a b%zz%");
  CHECK(envelope_of(binary({{"ce-id", "caf\xc3\xa9"}})).id() == "caf\xc3\xa9");
  CHECK(envelope_of(binary({{"ce-id", "caf%C3%A9%2541"}})).id() == "caf\xc3\xa9%41");
  CHECK(faults_of(binary({{"ce-id", "%ff"}})) == "400");
  CHECK(faults_of(binary({{"ce-type", "vote.set"}})) == "400");
  CHECK(faults_of(binary({{"ce-id", "%00"}})) == "0 id");
  CHECK(faults_of(binary({{"content-type", "text/plain"}})) == "415");
  CHECK(faults_of(binary({{"content-type", "application/json; charset=latin1"}})) == "415");
  CHECK(faults_of(binary({}, "")) == "0 data");
  CHECK(faults_of(binary({}, "[]")) == "0 data");
  CHECK(faults_of(binary({}, kData + "x")) == "400");
  CHECK(faults_of(decode({{"content-type", "application/json"}}, kData)) == "415");
  CHECK(faults_of(decode({{"content-type", "application/cloudevents+json"}, {"ce-id", "%ff"}},
                         vote(""))) == "admitted");
}

TEST_CASE("data_base64 is the JSON of data") {
  const std::string before = R"({"specversion":"1.0","type":"vote.set","source":"s",)";
  const auto base64 = [&](const std::string& text) {
    return faults_of(structured(before + "\"data_base64\":\"" + text + "\"}"));
  };
  CHECK(base64("eyJjb252ZXJzYXRpb25faWQiOiJjIiwib3Bpbmlvbl9pZCI6Im8iLCJwYXJ0aWNpcGFudF9pZCI6InAi"
               "LCJjaG9pY2UiOiJhZ3JlZSJ9") == "admitted");
  CHECK(base64("e30") == "0 data_base64");
  CHECK(base64("e3s=") == "0 data_base64");
  CHECK(base64("e30=") ==
        "0 data.conversation_id; 0 data.opinion_id; 0 data.participant_id; 0 data.choice");
}

TEST_CASE("a protobuf batch meets the same rules") {
  EnvelopeBatch batch;
  Envelope& envelope = *batch.add_events();
  envelope.set_type("vote.set");
  envelope.set_source("s");
  envelope.set_recorded_at(1);
  deliberation::Event event;
  auto& data = *event.mutable_vote_set();
  data.set_conversation_id("c");
  data.set_opinion_id("o");
  data.set_participant_id("p");
  data.set_choice(deliberation::CHOICE_PASS);
  const auto post = [&] {
    envelope.set_payload(event.SerializeAsString());
    return decode({{"content-type", "application/x-protobuf"}}, batch.SerializeAsString());
  };
  const Envelope read = envelope_of(post());
  CHECK(read.recorded_at() == 1'700'000'000'123);
  CHECK(read.key() == "c");
  CHECK(read.id().size() == 36);
  envelope.set_key("d");
  CHECK(faults_of(post()) == "0 key");
  envelope.clear_key();
  data.set_choice(static_cast<deliberation::Choice>(9));
  CHECK(faults_of(post()) == "0 data.choice");
  data.clear_choice();
  CHECK(faults_of(post()) == "0 data.choice");
  envelope.set_type("opinion.created");
  CHECK(faults_of(post()) == "0 type; 0 data.choice");
  // A producer that could set `origin` could make a receiver drop the true derived records.
  data.set_choice(deliberation::CHOICE_PASS);
  envelope.set_type("vote.set");
  envelope.mutable_origin()->set_position(std::numeric_limits<std::int64_t>::max());
  CHECK(faults_of(post()) == "0 origin");
  envelope.clear_origin();
  envelope.mutable_control()->mutable_tick();
  CHECK(faults_of(decode({{"content-type", "application/x-protobuf"}},
                         batch.SerializeAsString())) == "0 control");
  CHECK(faults_of(decode({{"content-type", "application/x-protobuf"}}, "\x0a\x05x")) == "400");
}

TEST_CASE("mutated bytes are refused, or admitted as what can be read back") {
  CHECK(rc::check([&] {
    std::string body = "[" + vote(R"("id":"a","actor":"u","x":-1.5e3,"y":"\u00e9\ud83d\ude00",)") +
                       "," + vote("") + "]";
    const auto edits = *rc::gen::container<std::vector<std::pair<std::size_t, char>>>(
        rc::gen::pair(rc::gen::inRange<std::size_t>(0, body.size()), rc::gen::arbitrary<char>()));
    for (const auto& [at, c] : edits) {
      if (body.empty()) break;
      if (c % 3 == 0) body.erase(at % body.size(), 1);
      if (c % 3 == 1) body.insert(at % body.size(), 1, c);
      if (c % 3 == 2) body[at % body.size()] = c;
    }
    const auto decoded = decode({{"content-type", "application/cloudevents-batch+json"}}, body);
    const auto* batch = std::get_if<AdmittedBatch>(&decoded);
    if (batch == nullptr) return;
    for (std::size_t i = 0; i < batch->items.size(); ++i) {
      Envelope envelope;
      deliberation::Event event;
      RC_ASSERT(envelope.ParseFromString(std::string(value_of(*batch, i))));
      RC_ASSERT(event.ParseFromString(envelope.payload()));
      RC_ASSERT(check_rules(event).empty());
    }
  }));
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
}  // namespace sluice
