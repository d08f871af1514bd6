// Other encodings than structured JSON, and bytes that nobody meant.

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "deliberation/events.pb.h"
#include "schemas/descriptors/rules.h"
#include "sluice/envelope.pb.h"
#include "tests/contract/ingest_decoding.h"

namespace sluice::testing {
namespace {

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

}  // namespace
}  // namespace sluice::testing
