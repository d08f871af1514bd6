#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "deliberation/events.pb.h"
#include "tests/contract/served_ingest.h"

namespace sluice::testing {
namespace {

using http::status_of_reply;

deliberation::Event a_vote() {
  deliberation::Event event;
  auto& data = *event.mutable_vote_set();
  data.set_conversation_id("c");
  data.set_opinion_id("o");
  data.set_participant_id("p");
  data.set_choice(deliberation::CHOICE_AGREE);
  return event;
}

EnvelopeBatch a_batch() {
  EnvelopeBatch batch;
  Envelope& envelope = *batch.add_events();
  envelope.set_id("e");
  envelope.set_type("vote.set");
  envelope.set_source("/t");
  envelope.set_payload(a_vote().SerializeAsString());
  return batch;
}

std::string binary_fields(const std::string& more = "",
                          const std::string& type = "Content-Type: application/json\r\n") {
  return "CE-SpecVersion: 1.0\r\nce-type: vote.set\r\nce-source: /t\r\n" + type + more +
         "Connection: close\r\n";
}

// What stands in the list of errors: "0 data.choice", one a fault.
std::vector<std::string> faults_of(std::string_view reply) {
  std::vector<std::string> faults;
  constexpr std::string_view kIndex = R"({"index":)";
  constexpr std::string_view kField = R"(,"field":")";
  for (std::size_t at = reply.find(kIndex); at != std::string_view::npos;
       at = reply.find(kIndex, at)) {
    at += kIndex.size();
    const std::size_t field = reply.find(kField, at);
    const std::size_t begin = field + kField.size();
    faults.push_back(std::string(reply.substr(at, field - at)) + " " +
                     std::string(reply.substr(begin, reply.find('"', begin) - begin)));
  }
  return faults;
}

TEST_CASE("an event is the same record in every mode") {
  ServedIngest served;
  const std::string attributes =
      R"("id":"caf\u00e9 1","time":"2015-02-03T04:05:06.7891+01:00","actor":"u","actorlevel":)"
      R"("verified","actorrole":"service","traceparent":"x",)";
  const std::string event = vote(attributes);
  const std::string base64 =
      R"({"specversion":"1.0","type":"vote.set","source":"/t",)" + attributes +
      R"("data_base64":"eyJjb252ZXJzYXRpb25faWQiOiJjIiwib3Bpbmlvbl9pZCI6Im8iLCJwYXJ0aWNpcGFudF9p)"
      R"(ZCI6InAiLCJjaG9pY2UiOiJhZ3JlZSJ9"})";
  EnvelopeBatch batch = a_batch();
  Envelope& envelope = *batch.mutable_events(0);
  envelope.set_id("caf\u00e9 1");
  envelope.set_occurred_at(1422932706789);
  envelope.mutable_actor()->set_id("u");
  envelope.mutable_actor()->set_level(Actor::LEVEL_VERIFIED);
  envelope.mutable_actor()->set_role(Actor::ROLE_SERVICE);

  const std::string context =
      "ce-id: \"caf%C3%A9 1\"\r\nce-time: 2015-02-03t04:05:06.789999+01:00\r\nce-actor: u\r\n"
      "ce-actorlevel: verified\r\nce-actorrole: service\r\nce-traceparent: x\r\n";
  const std::vector<std::string> replies = {
      served.post(event),
      served.post(base64),
      served.post("[" + event + "]", kBatched),
      served.post(event + "\n", kLines),
      served.exchange(post_request(kVoteData, binary_fields(context))),
      served.post(batch.SerializeAsString(), kProtobuf),
  };
  std::size_t accepted = 0;
  for (const std::string& reply : replies) {
    CAPTURE(reply);
    CHECK(has(reply, "{\"accepted\":1,\"token\":\"deliberation:2@" + std::to_string(++accepted) +
                         "\",\"ids\":[\"caf\u00e9 1\"]}"));
  }
  const auto records = served.logged();
  REQUIRE(records.size() == replies.size());
  CHECK(records[0].id() == "caf\u00e9 1");
  CHECK(records[0].key() == "c");
  CHECK(records[0].recorded_at() == 1000);
  CHECK(records[0].occurred_at() == 1422932706789);
  CHECK(records[0].payload() == a_vote().SerializeAsString());
  for (const Envelope& record : records) {
    CHECK(record.SerializeAsString() == records[0].SerializeAsString());
  }
}

TEST_CASE("what a ce- header says is read as SDKs write it") {
  ServedIngest served;
  const auto [fields, id] = GENERATE(table<std::string, std::string>({
      {"ce-id: plain", "plain"},
      {"CE-ID:\t\"quoted\" ", "quoted"},
      {R"(ce-id: "a\"b\\c")", R"(a"b\c)"},
      {"ce-id: a%20b%zz%4", "a b%zz%4"},
      {"ce-id: caf%C3%A9%2541", "caf\u00e9%41"},
      {"ce-id: caf\xc3\xa9", "caf\u00e9"},
      {R"(ce-id: "%22")", "\""},
  }));
  CAPTURE(fields);
  CHECK(status_of_reply(served.exchange(post_request(kVoteData, binary_fields(fields + "\r\n")))) ==
        202);
  REQUIRE(served.logged().size() == 1);
  CHECK(served.logged()[0].id() == id);
}

TEST_CASE("a misspelled attribute is 422 in binary mode, too, and an extension is not") {
  ServedIngest served;
  const std::string fields =
      "ce-specversion: 1.0\r\nce-type: vote.set\r\nce-source: /t\r\nce-id: e\r\n";
  const auto post = [&](const std::string& more) {
    return served.post(kVoteData, "application/json", fields + more);
  };
  const std::string reply = post("ce-ActorId: ada\r\n");
  CHECK(status_of_reply(reply) == 422);
  CHECK(has(reply, R"("field":"actorid","reason":"is no attribute: did you mean `actor`?")"));
  CHECK(status_of_reply(post("ce-recordedat: 2026-01-31T12:00:00Z\r\n")) == 422);
  CHECK(served.logged().empty());
  CHECK(status_of_reply(post("ce-traceparent: t\r\nce-partitionkey: k\r\n")) == 202);
}

TEST_CASE("binary mode is a ce-specversion beside JSON or nothing") {
  ServedIngest served;
  const auto [type, more, status] = GENERATE(table<std::string, std::string, int>({
      {"", "", 202},
      {"Content-Type:\r\n", "", 202},
      {"Content-Type: Application/JSON ; Charset=\"UTF-8\"; x=y\r\n", "", 202},
      {"Content-Type: application/vnd.any+JSON\r\n", "", 202},
      {"Content-Type: text/json\r\n", "", 415},
      {"Content-Type: text/plain\r\n", "", 415},
      {"Content-Type: application/json; charset=latin1\r\n", "", 415},
      {"Content-Type: application/json; charset=utf-8; charset=latin1\r\n", "", 415},
      {"Content-Type: application/json, application/json\r\n", "", 415},
      {"Content-Type: json\r\n", "", 415},
      {"Content-Type: application/json\r\ncontent-type: application/json\r\n", "", 400},
      {"", "ce-id: %ff\r\n", 400},
      {"", "ce-ext: \xff\r\n", 400},
      {"", "ce-ext: a\r\nCe-Ext: a\r\n", 400},
      {"", "ce-type: vote.set\r\n", 400},
      {"", "ce-id: %00\r\n", 422},
      {"", "ce-ext: %00\r\n", 422},
      {"", "ce-id:\r\n", 422},
      {"", "ce-time: now\r\n", 422},
      {"", "ce-datacontenttype: text/xml\r\n", 422},
      {"", "ce-datacontenttype: application/json\r\n", 202},
      {"", "ce-actor:\r\nce-subject: s\r\n", 202},
  }));
  CAPTURE(type, more);
  const std::string reply = served.exchange(post_request(kVoteData, binary_fields(more, type)));
  CAPTURE(reply);
  CHECK(status_of_reply(reply) == status);
  CHECK(served.logged().size() == (status == 202 ? 1 : 0));
}

TEST_CASE("beside the other content types ce- headers are ignored") {
  ServedIngest served;
  const std::string fields = "ce-specversion: 0.3\r\nce-id: %ff\r\nce-id: x\r\nce-type: y\r\n";
  CHECK(has(served.post(vote(), kStructured, fields), R"("ids":["e"])"));
  CHECK(has(served.post("[" + vote() + "]", kBatched, fields), R"("ids":["e"])"));
  CHECK(has(served.post(vote(), kLines, fields), R"("ids":["e"])"));
  CHECK(has(served.post(a_batch().SerializeAsString(), kProtobuf, fields), R"("ids":["e"])"));
  CHECK(served.logged().size() == 4);
}

TEST_CASE("media types are compared without case, and their charset is utf-8") {
  ServedIngest served;
  const auto [type, status] = GENERATE(table<std::string, int>({
      {"APPLICATION/CloudEvents+JSON", 202},
      {"application/cloudevents+json;charset=utf-8", 202},
      {"application/cloudevents+json; charset=\"UTF-8\"; format=x", 202},
      {"application/cloudevents+json; x=\"; charset=latin1\"", 202},
      {"application/cloudevents+json; charset=us-ascii", 415},
      {"application/cloudevents+json; charset=", 415},
      {"application/cloudevents+xml", 415},
      {"application/json", 415},
      {"text/plain", 415},
  }));
  CAPTURE(type);
  CHECK(status_of_reply(served.post(vote(), type)) == status);
}

TEST_CASE("no events are no events, in every mode of many") {
  ServedIngest served;
  for (const auto& [type, body] : std::map<std::string_view, std::string>{
           {kBatched, " [ ] "}, {kLines, "\r\n \t\n"}, {kProtobuf, ""}}) {
    CHECK(has(served.post(body, type), R"({"accepted":0,"token":"","ids":[]})"));
  }
  CHECK(status_of_reply(served.post("")) == 400);
  CHECK(status_of_reply(served.post("", kBatched)) == 400);
}

TEST_CASE("a batch is all or nothing, and its ids are in its order") {
  ServedIngest served;
  const std::string good = vote("");
  const std::string bad = R"({"specversion":"1.0","type":"vote.set","source":"/t","data":{}})";
  const std::vector<std::string> four = {"1 data.conversation_id", "1 data.opinion_id",
                                         "1 data.participant_id", "1 data.choice"};
  CHECK(faults_of(served.post("[" + good + "," + bad + "," + good + "]", kBatched)) == four);
  CHECK(faults_of(served.post(good + "\n" + bad + "\r\n\n" + good, kLines)) == four);
  EnvelopeBatch batch = a_batch();
  *batch.add_events() = batch.events(0);
  batch.mutable_events(1)->set_payload("\x0a", 2);
  CHECK(faults_of(served.post(batch.SerializeAsString(), kProtobuf)) == four);
  CHECK(served.logged().empty());

  const std::string reply = served.post(
      "[" + vote(R"("id":"b",)") + "," + vote(R"("id":"a",)") + "," + good + "]", kBatched);
  CHECK(has(reply, R"("accepted":3)"));
  CHECK(has(reply, R"("ids":["b","a",")"));
  std::map<std::string, int> ids;
  for (const Envelope& record : served.logged()) ++ids[record.id()];
  CHECK(ids.size() == 3);
}

TEST_CASE("what is not what its content type says is 400") {
  ServedIngest served;
  const auto [type, body] = GENERATE(table<std::string, std::string>({
      {std::string(kStructured), "{"},
      {std::string(kStructured), vote() + vote()},
      {std::string(kStructured), "\xef\xbb\xbf" + vote()},
      {std::string(kBatched), vote()},
      {std::string(kBatched), "null"},
      {std::string(kBatched), "[" + vote()},
      {std::string(kBatched), "[" + vote() + ",]"},
      {std::string(kBatched), "[," + vote() + "]"},
      {std::string(kBatched), "[" + vote() + "]]"},
      {std::string(kBatched), "[" + vote() + "}"},
      {std::string(kBatched), "[" + vote() + " " + vote() + "]"},
      {std::string(kBatched), "[{]}"},
      {std::string(kBatched), "[\"]"},
      {std::string(kBatched), "\xef\xbb\xbf[]"},
      {std::string(kLines), vote() + "\nx"},
      {std::string(kLines), "[" + vote() + "\n," + vote() + "]"},
      {std::string(kProtobuf), "xx"},
      {std::string(kProtobuf), std::string("\x0a\x05x", 3)},
      {std::string(kProtobuf), std::string("\x0a\xff\xff\xff\xff\x0f", 6)},
      {std::string(kProtobuf), std::string("\x08\x00", 2)},
      {std::string(kProtobuf), a_batch().SerializeAsString() + "\x10"},
      {std::string(kProtobuf), std::string("\x0a\x03\x0a\x01\xff", 5)},
  }));
  CAPTURE(type, body);
  const std::string reply = served.post(body, type);
  CAPTURE(reply);
  CHECK(status_of_reply(reply) == 400);
  CHECK(served.logged().empty());
}

TEST_CASE("limits are the same in every mode") {
  IngestConfig config;
  config.decoder.batch_events = 3;
  config.decoder.event_bytes = 1000;
  ServedIngest served(config);
  const std::string large = vote("\"x\":\"" + std::string(1000, 'x') + "\",");
  CHECK(status_of_reply(served.post(large)) == 413);
  CHECK(status_of_reply(served.post("[" + vote() + "," + large + "]", kBatched)) == 413);
  CHECK(status_of_reply(served.post(vote() + "\n" + large, kLines)) == 413);
  CHECK(status_of_reply(served.exchange(post_request(
            std::string(1000, ' ') + std::string(kVoteData), binary_fields()))) == 413);
  EnvelopeBatch batch = a_batch();
  batch.mutable_events(0)->set_source(std::string(1000, 's'));
  CHECK(status_of_reply(served.post(batch.SerializeAsString(), kProtobuf)) == 413);

  const std::string four = vote() + "\n" + vote() + "\n" + vote() + "\n" + vote();
  CHECK(status_of_reply(served.post(four, kLines)) == 413);
  CHECK(status_of_reply(served.post("[" + vote() + "," + vote() + "," + vote() + "," + vote() + "]",
                                    kBatched)) == 413);
  // However small its events are, a body is not unpacked beyond the limit.
  CHECK(status_of_reply(served.post(std::string(4, '\x0a') + std::string(4, '\0'), kProtobuf)) ==
        400);
  std::string empty_events;
  for (int i = 0; i < 4; ++i) empty_events += std::string("\x0a\0", 2);
  CHECK(status_of_reply(served.post(empty_events, kProtobuf)) == 413);
  CHECK(served.logged().empty());
  CHECK(status_of_reply(served.post(vote() + "\n" + vote() + "\n" + vote(), kLines)) == 202);
}

TEST_CASE("a protobuf batch has no field that would be lost") {
  ServedIngest served;
  EnvelopeBatch batch = a_batch();
  const std::string unknown("\xb8\x3e\x07", 3);  // field 999, a number
  SECTION("of the fact") {
    deliberation::Event event = a_vote();
    std::string fact = event.vote_set().SerializeAsString() + unknown;
    batch.mutable_events(0)->set_payload("\x0a" + std::string(1, static_cast<char>(fact.size())) +
                                         fact);
    CHECK(faults_of(served.post(batch.SerializeAsString(), kProtobuf)) ==
          std::vector<std::string>{"0 data"});
  }
  SECTION("of the event") {
    batch.mutable_events(0)->mutable_payload()->append(unknown);
    CHECK(faults_of(served.post(batch.SerializeAsString(), kProtobuf)) ==
          std::vector<std::string>{"0 data"});
  }
  SECTION("of the envelope") {
    std::string envelope = batch.events(0).SerializeAsString() + unknown;
    CHECK(faults_of(served.post(
              "\x0a" + std::string(1, static_cast<char>(envelope.size())) + envelope, kProtobuf)) ==
          std::vector<std::string>{"0 "});
  }
  CHECK(served.logged().empty());
}

TEST_CASE("every character is kept as it is, to the bit") {
  ServedIngest served;
  const std::string body =
      " \t\u0001\u001f\u007f\u0085\u00a0\u00e9e\u0301\u2028\u202e\ufeff\uffff\U0001f600\U0010ffff ";
  const std::string escaped = R"( \t\u0001\u001F)"
                              "\u007f\u0085\u00a0\u00e9e\u0301"
                              R"(\u2028\u202e\ufeff\uffff\ud83d\ude00\uDBFF\uDFFF )";
  const std::string event =
      R"({"specversion":"1.0","type":"opinion.created","source":"/t","data":{"conversation_id":)"
      R"("c","opinion_id":"o","author_id":"a","body":")" +
      escaped + "\"}}";
  CHECK(status_of_reply(served.post(event)) == 202);
  REQUIRE(served.logged().size() == 1);
  deliberation::Event read;
  REQUIRE(read.ParseFromString(served.logged()[0].payload()));
  CHECK(read.opinion_created().body() == body);
}

TEST_CASE("a text is as long as it has code points") {
  ServedIngest served;
  const auto opinion = [](int length) {
    std::string body;
    for (int i = 0; i < length; ++i) body += "\U0001f600";
    return R"({"specversion":"1.0","type":"opinion.created","source":"/t","data":{"conversation_id":)"
           R"("c","opinion_id":"o","author_id":"a","body":")" +
           body + "\"}}";
  };
  CHECK(status_of_reply(served.post(opinion(1000))) == 202);
  CHECK(faults_of(served.post(opinion(1001))) == std::vector<std::string>{"0 data.body"});
  std::string id;
  for (int i = 0; i < 200; ++i) id += "\u00e9";
  CHECK(status_of_reply(served.post(vote("\"id\":\"" + id + "\","))) == 202);
  CHECK(faults_of(served.post(vote("\"id\":\"" + id + "x\","))) ==
        std::vector<std::string>{"0 id"});
}

TEST_CASE("a number is a number, however many digits it has") {
  ServedIngest served;
  const std::string huge(40, '9');
  CHECK(status_of_reply(served.post(vote("\"n\":" + huge + ",\"m\":-" + huge + ",\"o\":\"" + huge +
                                         "\",\"p\":12345678901234567890.5e3,"))) == 202);
  CHECK(faults_of(served.post(vote("", R"({"conversation_id":)" + huge +
                                           R"(,"opinion_id":"o","participant_id":"p",)"
                                           R"("choice":"agree"})"))) ==
        std::vector<std::string>{"0 data.conversation_id"});
  CHECK(
      faults_of(served.post(R"({"specversion":"1.0","type":"import.started","source":"/t","data":{)"
                            R"("conversation_id":"c","import_id":"i","total":)" +
                            huge + "}}")) == std::vector<std::string>{"0 data.total"});
}

TEST_CASE("of many faults the first thousand are told, and how many there are") {
  ServedIngest served;
  std::string body;
  for (int i = 0; i < 300; ++i) body += vote("", "{}") + "\n";
  const std::string reply = served.post(body, kLines);
  CHECK(status_of_reply(reply) == 422);
  CHECK(has(reply, R"("error_count":1200,)"));
  CHECK(faults_of(reply).size() == 1000);
}

TEST_CASE("an event of very many names costs no more than its length") {
  ServedIngest served;
  std::string members;
  std::string fields;
  for (int i = 0; i < 30'000; ++i) {
    members += "\"x" + std::to_string(i) + "\":0,";
    fields += ",\"x" + std::to_string(i) + "\":0";
  }
  CHECK(status_of_reply(served.post(vote(members))) == 202);
  CHECK(faults_of(served.post(vote(members + "\"x7\":1,"))) == std::vector<std::string>{"0 x7"});
  const std::string data = std::string(kVoteData.substr(0, kVoteData.size() - 1)) + fields + "}";
  CHECK(has(served.post(vote("", data)), R"("error_count":30000,)"));
}

}  // namespace
}  // namespace sluice::testing
