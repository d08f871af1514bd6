#include "tools/import/atproto/syntax/syntax.h"

#include <functional>

#include "tools/import/atproto/syntax/moment.h"
#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using sluice::atproto::testing::listed;

namespace {

// Which of a list the check takes, or does not: nothing, then.
std::vector<std::string> wrongly(bool taken, const std::string& list,
                                 const std::function<bool(std::string_view)>& check) {
  std::vector<std::string> wrong;
  const auto values = listed(list);
  REQUIRE(values.size() >= 2);
  for (const std::string& value : values) {
    if (check(value) == taken) wrong.push_back(value);
  }
  return wrong;
}

void hold_to(const std::string& kind, const std::function<bool(std::string_view)>& check) {
  INFO(kind);
  CHECK(wrongly(false, kind + "_syntax_valid.txt", check) == std::vector<std::string>{});
  CHECK(wrongly(true, kind + "_syntax_invalid.txt", check) == std::vector<std::string>{});
}

std::int64_t microseconds(const std::optional<Moment>& moment) {
  REQUIRE(moment);
  return moment->time_since_epoch().count();
}

}  // namespace

TEST_CASE("the network's lists of valid and invalid syntax are read as it reads them") {
  hold_to("did", is_did);
  hold_to("handle", is_handle);
  hold_to("nsid", is_nsid);
  hold_to("recordkey", is_record_key);
  hold_to("cid", is_cid_text);
  hold_to("aturi", [](std::string_view text) { return parse_at_uri(text).has_value(); });
  hold_to("tid", [](std::string_view text) { return parse_tid(text).has_value(); });
  const auto is_datetime = [](std::string_view text) { return parse_datetime(text).has_value(); };
  hold_to("datetime", is_datetime);
  CHECK(wrongly(true, "datetime_parse_invalid.txt", is_datetime) == std::vector<std::string>{});
  hold_to("atidentifier", [](std::string_view text) { return is_did(text) || is_handle(text); });
}

TEST_CASE("an address is taken apart, with and without its parts") {
  const auto whole = parse_at_uri("at://did:plc:a/app.bsky.feed.post/3k");
  REQUIRE(whole);
  CHECK(whole->authority == "did:plc:a");
  CHECK(whole->collection == "app.bsky.feed.post");
  CHECK(whole->rkey == "3k");
  const auto short_one = parse_at_uri("at://a.test");
  REQUIRE(short_one);
  CHECK(short_one->authority == "a.test");
  CHECK(short_one->collection.empty());
  const auto path = parse_record_path("app.bsky.feed.post/3k");
  REQUIRE(path);
  CHECK(path->rkey == "3k");
  CHECK_FALSE(parse_record_path("app.bsky.feed.post/3k/x"));
  CHECK_FALSE(parse_record_path("app.bsky.feed.post"));
}

TEST_CASE("the longest texts that are allowed, and one character more") {
  const auto did = [](std::size_t size) { return "did:m:" + std::string(size - 6, 'v'); };
  CHECK(is_did(did(2048)));
  CHECK_FALSE(is_did(did(2049)));
  CHECK(is_record_key(std::string(512, 'k')));
  CHECK_FALSE(is_record_key(std::string(513, 'k')));
}

TEST_CASE("times are microseconds since 1970, of a TID and of a datetime") {
  // The value in the specification's own example of a TID.
  CHECK(microseconds(parse_tid("3jzfcijpj2z2a")) == 1688137381887007);
  CHECK(microseconds(parse_tid("2222222222222")) == 0);
  CHECK(microseconds(parse_tid("7777777777777")) == 0x14a5294a5294a5);
  CHECK(microseconds(parse_datetime("1970-01-01T00:00:00Z")) == 0);
  CHECK(microseconds(parse_datetime("1985-04-12T23:20:50.123456789Z")) == 482196050123456);
  CHECK(microseconds(parse_datetime("1985-04-13T01:05:50.5+01:45")) == 482196050500000);
  CHECK(microseconds(parse_datetime("1985-04-12T16:20:50.000001-07:00")) == 482196050000001);
  CHECK(microseconds(parse_datetime("1969-12-31T23:59:59.999999Z")) == -1);
  CHECK_FALSE(parse_datetime("2016-12-31T23:59:60Z"));
  CHECK_FALSE(parse_datetime("2023-02-29T00:00:00Z"));
  CHECK_FALSE(parse_datetime("9999-12-31T23:59:59-01:00"));
  CHECK_FALSE(parse_datetime("1985-04-12T23:20:50.123456789012345678901Z"));
}
