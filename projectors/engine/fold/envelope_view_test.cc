#include "projectors/engine/fold/envelope_view.h"

#include <rapidcheck.h>
#include <catch2/catch.hpp>

namespace sluice {
namespace {

std::string text() {
  return *rc::gen::element<std::string>("", "a", "vote.set", "caf\xc3\xa9", std::string(200, 'x'));
}

std::int64_t number() { return *rc::gen::element<std::int64_t>(0, 1, -1, 1'700'000'000'000); }

Envelope any_envelope() {
  Envelope made;
  made.set_id(text());
  made.set_type(text());
  made.set_domain(text());
  made.set_key(text());
  made.set_source(text());
  if (*rc::gen::arbitrary<bool>()) made.set_recorded_at(number());
  if (*rc::gen::arbitrary<bool>()) made.set_occurred_at(number());
  if (*rc::gen::arbitrary<bool>()) {
    made.mutable_actor()->set_id(text());
    made.mutable_actor()->set_role(Actor::ROLE_MODERATOR);
  }
  switch (*rc::gen::inRange(0, 8)) {
    case 0:
      made.mutable_control()->mutable_discard()->set_offset(number());
      break;
    case 1:
      made.mutable_origin()->set_position(number());
      break;
    default:
      made.set_payload(text());
  }
  return made;
}

// What protobuf itself says decides.
void require_as_parsed(const std::string& bytes) {
  Envelope parsed;
  const bool is_one = parsed.ParseFromString(bytes);
  EnvelopeOpener opener;
  const std::optional<EnvelopeView> opened = opener.open(bytes);
  RC_ASSERT(opened.has_value() == is_one);
  if (!is_one) return;
  RC_ASSERT(opened->id == parsed.id());
  RC_ASSERT(opened->type == parsed.type());
  RC_ASSERT(opened->domain == parsed.domain());
  RC_ASSERT(opened->key == parsed.key());
  RC_ASSERT(opened->source == parsed.source());
  RC_ASSERT(opened->payload == parsed.payload());
  RC_ASSERT(opened->actor->SerializeAsString() == parsed.actor().SerializeAsString());
  RC_ASSERT(opened->recorded_at.has_value() == parsed.has_recorded_at());
  RC_ASSERT(opened->recorded_at.value_or(0) == parsed.recorded_at());
  RC_ASSERT(opened->occurred_at.has_value() == parsed.has_occurred_at());
  RC_ASSERT(opened->occurred_at.value_or(0) == parsed.occurred_at());
  RC_ASSERT((opened->control != nullptr) == parsed.has_control());
  RC_ASSERT((opened->origin != nullptr) == parsed.has_origin());
}

TEST_CASE("an envelope opened in place is what protobuf parses") {
  CHECK(rc::check([] { require_as_parsed(any_envelope().SerializeAsString()); }));
}

TEST_CASE("so are bytes that were damaged, cut short, or put behind others") {
  CHECK(rc::check([] {
    std::string bytes = any_envelope().SerializeAsString();
    if (*rc::gen::arbitrary<bool>()) bytes += any_envelope().SerializeAsString();
    for (int i = *rc::gen::inRange(0, 4); i > 0 && !bytes.empty(); --i) {
      bytes[*rc::gen::inRange<std::size_t>(0, bytes.size())] = *rc::gen::arbitrary<char>();
    }
    bytes.resize(*rc::gen::inRange<std::size_t>(0, bytes.size() + 1));
    require_as_parsed(bytes);
  }));
}

TEST_CASE("one opened after another keeps nothing of it") {
  Envelope first;
  first.set_id("first");
  first.mutable_actor()->set_id("ann");
  first.set_recorded_at(5);
  EnvelopeOpener opener;
  const std::string bytes = first.SerializeAsString();
  REQUIRE(opener.open(bytes));
  const std::optional<EnvelopeView> opened = opener.open("");
  REQUIRE(opened);
  CHECK(opened->id.empty());
  CHECK(opened->actor->id().empty());
  CHECK_FALSE(opened->recorded_at);
}

}  // namespace
}  // namespace sluice
