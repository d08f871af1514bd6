#include "tools/import/atproto/repository/mst.h"

#include <simdjson.h>
#include <algorithm>
#include <map>

#include "tools/import/atproto/testing/made_blocks.h"
#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using namespace sluice::atproto::testing;
using simdjson::dom::element;

namespace {

// Keys "app.bsky.feed.like/N" and what their records are, each another block.
std::map<std::string, Cid> records(MadeBlocks& made, int count) {
  std::map<std::string, Cid> keys;
  for (int i = 0; i < count; ++i) {
    keys.emplace("app.bsky.feed.like/" + std::to_string(i),
                 made.add(cbor_of("{\"n\":" + std::to_string(i) + "}")));
  }
  return keys;
}

struct Walked {
  std::vector<std::string> keys;
  std::vector<std::string> malformed;
};

Walked walked(const BlockIndex& blocks, const Cid& root) {
  Walked seen;
  walk_mst(
      blocks, root,
      {.record =
           [&](const RepoRecord& record) {
             CHECK(record.cid.is_of(record.block));
             seen.keys.push_back(std::string(record.collection) + "/" + std::string(record.rkey));
           },
       .malformed =
           [&](const Malformed& malformed) {
             seen.malformed.push_back(malformed.place + ": " + malformed.reason);
           }});
  return seen;
}

std::vector<std::string> keys_of(const std::map<std::string, Cid>& records) {
  std::vector<std::string> keys;
  for (const auto& [key, cid] : records) keys.push_back(key);
  return keys;
}

// A node in JSON: of entries (key, its part that is written, how many bytes are left out).
struct MadeEntry {
  std::size_t shared;
  std::string suffix;
  std::optional<Cid> right = std::nullopt;
};

std::string node_json(const std::vector<MadeEntry>& entries, const Cid& record,
                      const std::string& left = "null") {
  std::string json = "{\"l\":" + left + ",\"e\":[";
  for (const MadeEntry& entry : entries) {
    if (!json.ends_with('[')) json += ',';
    json += "{\"p\":" + std::to_string(entry.shared) + ",\"k\":" + bytes_json(entry.suffix) +
            ",\"v\":" + link_json(record) +
            ",\"t\":" + (entry.right ? link_json(*entry.right) : "null") + "}";
  }
  return json + "]}";
}

// A key of this height that stands behind `after`.
std::string key_of_height(int height, const std::string& after) {
  for (int i = 0;; ++i) {
    std::string key = after + std::to_string(i);
    if (mst_height(key) == height) return key;
  }
}

}  // namespace

TEST_CASE("heights and prefixes are those of the interoperability fixtures") {
  simdjson::dom::parser parser;
  std::size_t count = 0;
  for (const element one :
       parser.load((kNetworkData / "interop/mst/key_heights.json").string()).get_array()) {
    CHECK(mst_height(std::string_view(one["key"])) == std::int64_t(one["height"]));
    ++count;
  }
  CHECK(count == 9);
  for (const element one :
       parser.load((kNetworkData / "interop/mst/common_prefix.json").string()).get_array()) {
    const std::string_view left = one["left"];
    const std::string_view right = one["right"];
    CHECK(mst_common_prefix(left, right) == std::uint64_t(one["len"]));
    ++count;
  }
  CHECK(count == 22);
}

TEST_CASE("trees of the fixtures' keys have the fixtures' roots") {
  simdjson::dom::parser parser;
  for (const element one :
       parser.load((kNetworkData / "interop/firehose/commit-proof-fixtures.json").string())
           .get_array()) {
    std::map<std::string, Cid> keys;
    const auto leaf = Cid::from_text(std::string_view(one["leafValue"]));
    REQUIRE(leaf);
    for (const element key : one["keys"].get_array()) {
      keys.emplace(std::string_view(key), *leaf);
    }
    MadeBlocks before;
    CHECK(before.tree(keys).text() == std::string_view(one["rootBeforeCommit"]));
    for (const element key : one["adds"].get_array()) keys.emplace(std::string_view(key), *leaf);
    for (const element key : one["dels"].get_array()) {
      keys.erase(std::string(std::string_view(key)));
    }
    MadeBlocks after;
    const Cid root = after.tree(keys);
    CHECK(root.text() == std::string_view(one["rootAfterCommit"]));
    // Its keys are no paths of records, or those records are not there, and each says so: the walk
    // has been at every one.
    const Walked seen = walked(after.index(), root);
    CHECK(seen.malformed.size() == keys.size());
    for (const std::string& malformed : seen.malformed) {
      CHECK_THAT(malformed, Catch::EndsWith("a key that is no collection/rkey") ||
                                Catch::EndsWith(": its block is missing"));
    }
  }
}

TEST_CASE("a walk gives every record in the order of keys") {
  for (const int count : {0, 1, 2, 50, 3000}) {
    MadeBlocks made;
    const auto keys = records(made, count);
    const Cid root = made.tree(keys);
    const Walked seen = walked(made.index(), root);
    CHECK(seen.keys == keys_of(keys));
    CHECK(seen.malformed.empty());
  }
}

TEST_CASE("a record without its block, or with another one, takes nobody along") {
  MadeBlocks made;
  const auto keys = records(made, 100);
  const Cid root = made.tree(keys);
  made.blocks[3].second += "x";
  made.blocks.erase(made.blocks.begin() + 7);
  const Walked seen = walked(made.index(), root);
  CHECK(seen.keys.size() == 98);
  REQUIRE(seen.malformed.size() == 2);
  CHECK(seen.malformed[0] == "app.bsky.feed.like/3: its block's sha-256 is not its CID's");
  CHECK(seen.malformed[1] == "app.bsky.feed.like/7: its block is missing");
}

TEST_CASE("a node without its block, or with another one, takes only what is below it along") {
  MadeBlocks made;
  const auto keys = records(made, 300);
  const Cid root = made.tree(keys);
  // Behind the records stand the nodes, lower ones first.
  const Cid lost = made.blocks[300].first;
  const Cid wrong = made.blocks[301].first;
  made.blocks[301].second += "x";
  made.blocks.erase(made.blocks.begin() + 300);
  const Walked seen = walked(made.index(), root);
  CHECK(seen.keys.size() < 300);
  CHECK(seen.keys.size() > 250);
  CHECK(std::is_sorted(seen.keys.begin(), seen.keys.end()));
  CHECK(seen.malformed ==
        std::vector{"MST node " + lost.text() + ": its block is missing",
                    "MST node " + wrong.text() + ": its block's sha-256 is not its CID's"});
}

TEST_CASE("order, heights and prefixes of keys are checked") {
  MadeBlocks made;
  const Cid record = made.add(cbor_of("{}"));
  const std::string stem = "app.bsky.feed.post/";
  const std::string one = key_of_height(0, stem + "a");
  const std::string two = key_of_height(0, stem + "b");
  const std::string high = key_of_height(1, stem + "c");
  const auto complaint = [&](const std::vector<MadeEntry>& entries) {
    const Cid root = made.add(cbor_of(node_json(entries, record)));
    const Walked seen = walked(made.index(), root);
    std::string text = std::to_string(seen.keys.size());
    for (const std::string& malformed : seen.malformed) {
      text += " " + malformed.substr(malformed.find(": ") + 2);
    }
    return text;
  };
  const std::size_t shared = stem.size();
  CHECK(complaint({{0, one}, {shared, two.substr(shared)}}) == "2");
  CHECK(complaint({{0, two}, {shared, one.substr(shared)}}) == "1 not above the key before it");
  CHECK(complaint({{0, one}, {one.size(), ""}}) == "1 not above the key before it");
  CHECK(complaint({{0, one}, {shared, high.substr(shared)}}) ==
        "1 of another height than its node");
  CHECK(complaint({{0, one}, {shared - 1, two.substr(shared - 1)}}) ==
        "1 a key that shares more with the key before it than it says");
  CHECK(complaint({{0, one}, {500, "x"}}) == "1 a key that shares more than the key before it has");
  CHECK(complaint({{1, one}}) == "0 a key that shares more than the key before it has");
  CHECK(complaint({{0, stem + std::string(1024, 'k')}}) == "0 a key of more than 1,024 bytes");
  CHECK(complaint({{0, "\xff\xfe"}}) == "0 a key that is no collection/rkey");
}

TEST_CASE("what is no node, or has no place in the tree, is passed over") {
  MadeBlocks made;
  const Cid record = made.add(cbor_of("{}"));
  const auto complaint = [&](const std::string& json) {
    const Cid root = made.add(cbor_of(json));
    const Walked seen = walked(made.index(), root);
    REQUIRE(seen.malformed.size() == 1);
    return seen.malformed[0].substr(seen.malformed[0].find(": ") + 2);
  };
  CHECK(complaint("[]") == "no node of an MST");
  CHECK(complaint(R"({"l":null})") == "no node of an MST");
  CHECK(complaint(R"({"e":[]})") == "no node of an MST");
  CHECK(complaint(R"({"l":1,"e":[]})") == "no node of an MST");
  CHECK(complaint(R"({"l":null,"e":[{"p":0}]})") == "no node of an MST");
  CHECK(complaint(R"({"l":null,"e":[{"p":-1,"k":{"$bytes":""},"v":)" + link_json(record) +
                  R"(,"t":null}]})") == "no node of an MST");
  // A root of nothing but a tree below it.
  const Cid below =
      made.add(cbor_of(node_json({{0, key_of_height(0, "app.bsky.feed.post/")}}, record)));
  CHECK(complaint(node_json({}, record, link_json(below))) == "a node with nothing in it");
  // The empty tree, below a root.
  const Cid empty = made.add(cbor_of(R"({"l":null,"e":[]})"));
  const std::string high = key_of_height(1, "app.bsky.feed.post/");
  CHECK(complaint(node_json({{0, high}}, record, link_json(empty))) == "a node with nothing in it");
  CHECK(complaint(node_json({{0, high, empty}}, record)) == "a node with nothing in it");
  // A tree below the leaves.
  CHECK(complaint(node_json({{0, key_of_height(0, "app.bsky.feed.post/"), below}}, record)) ==
        "below the level of leaves");
  // One tree in two places.
  const std::string later = key_of_height(1, "app.bsky.feed.repost/");
  CHECK(complaint(node_json({{0, later, below}}, record, link_json(below))) ==
        "there for the second time");
}
