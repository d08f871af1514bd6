#include "tools/import/atproto/messages/frame.h"

#include <simdjson.h>
#include <algorithm>
#include <map>
#include <sstream>

#include "tools/import/atproto/testing/made_blocks.h"
#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using namespace sluice::atproto::testing;

namespace {

const std::string kCommitHeader = R"({"t":"#commit","op":1})";
const std::string kSaid = R"("seq":5,"time":"2026-07-04T14:38:07.877Z")";

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

std::string read(std::string_view frame) {
  FrameReader reader;
  return joined(described(reader.read(frame)));
}

std::string read_json(const std::string& header, const std::string& body) {
  return read(frame_of(header, body));
}

// A #commit whose ops are to be filled in, with its blocks.
struct MadeCommit {
  MadeBlocks made;
  std::string ops;

  MadeCommit& op(const std::string& json) {
    ops += (ops.empty() ? "" : ",") + json;
    return *this;
  }
  MadeCommit& create(const std::string& rkey, const std::string& cbor) {
    return op(R"({"action":"create","path":"a.b.c/)" + rkey + R"(","cid":)" +
              link_json(made.add(cbor)) + "}");
  }
  [[nodiscard]] std::string body(const std::string& car, const std::string& more = "") const {
    return R"({"repo":"did:plc:a","rev":"3jzfcijpj2z2a",)" + kSaid + R"(,"blocks":)" +
           bytes_json(car) + R"(,"ops":[)" + ops + "]" + more + "}";
  }
  [[nodiscard]] std::string read() const {
    const Cid root = Cid::of(Cid::Codec::dag_cbor, "commit");
    return read_json(kCommitHeader, body(made.car(root)));
  }
  // What of a record in JSON comes out.
  static std::string read_record(const std::string& json) {
    return MadeCommit().create("k", cbor_of(json)).read();
  }
};

std::vector<std::string> read_all_of(const std::vector<std::string>& frames) {
  FrameReader reader;
  std::vector<std::string> all;
  for (const std::string& frame : frames) {
    for (std::string& one : described(reader.read(frame))) all.push_back(std::move(one));
  }
  return all;
}

std::vector<std::string> read_all_lines(const std::vector<std::string>& lines) {
  JetstreamReader reader;
  std::vector<std::string> all;
  for (const std::string& line : lines) {
    for (std::string& one : described(reader.read(line))) all.push_back(std::move(one));
  }
  return all;
}

// The frames of a scenario, or one body of a #commit, as a relay would send them.
std::vector<std::string> frames_of_json(const std::string& name) {
  const std::string text = file_bytes("relay-scenarios/" + name);
  Document document;
  REQUIRE_FALSE(decode_json(text, document));
  std::vector<std::string> frames;
  const auto messages = document.root().find("messages");
  if (!messages) {
    frames.push_back(cbor_of(kCommitHeader));
    append_cbor(frames.back(), document.root());
    return frames;
  }
  for (const Value message : messages->items()) {
    const auto frame = message.find("frame");
    std::string& bytes = frames.emplace_back();
    append_cbor(bytes, *frame->find("header"));
    append_cbor(bytes, *frame->find("body"));
  }
  return frames;
}

// Whether two documents say the same, whatever the order of keys.
bool same(simdjson::dom::element a, simdjson::dom::element b) {
  if (a.is_object() && b.is_object()) {
    const simdjson::dom::object left = a;
    const simdjson::dom::object right = b;
    if (left.size() != right.size()) return false;
    for (const auto field : left) {
      simdjson::dom::element other;
      if (right[field.key].get(other) != simdjson::SUCCESS || !same(field.value, other))
        return false;
    }
    return true;
  }
  if (a.is_array() && b.is_array()) {
    const simdjson::dom::array left = a;
    const simdjson::dom::array right = b;
    return left.size() == right.size() && std::equal(left.begin(), left.end(), right.begin(), same);
  }
  return std::string(simdjson::minify(a)) == std::string(simdjson::minify(b));
}

}  // namespace

TEST_CASE("captured frames say to the byte what Jetstream made of them") {
  const auto frames = read_all_of(captured_frames());
  const auto lines = read_all_lines(captured_lines());
  REQUIRE(lines.size() == 152);
  CHECK(frames == lines);
  std::map<std::string, int> kinds;
  for (const std::string& line : frames) {
    std::istringstream words(line);
    std::string did;
    std::string word;
    words >> did >> word;
    if (word == "active" || word == "identity") {
      ++kinds[word];
    } else {
      words >> word;
      ++kinds[word];
    }
  }
  CHECK(kinds ==
        std::map<std::string, int>{
            {"active", 1}, {"create", 144}, {"delete", 4}, {"identity", 1}, {"update", 2}});
}

TEST_CASE("canonical records of the capture say what another reader of JSON finds in its lines") {
  simdjson::dom::parser of_line;
  simdjson::dom::parser of_record;
  JetstreamReader reader;
  std::size_t count = 0;
  for (const std::string& line : captured_lines()) {
    const auto* commit = std::get_if<Commit>(&reader.read(line).event);
    if (commit == nullptr || commit->ops[0].record.empty()) continue;
    const std::string record(commit->ops[0].record);
    CHECK(same(of_line.parse(line)["commit"]["record"], of_record.parse(record)));
    CHECK(canonical(record) == record);
    ++count;
  }
  CHECK(count == 146);
}

TEST_CASE("frames of the capture have their sequence and time") {
  FrameReader reader;
  std::int64_t before = 31527015321;
  for (const std::string& frame : captured_frames()) {
    const Message& message = reader.read(frame);
    CHECK(message.seq == ++before);
    const auto* commit = std::get_if<Commit>(&message.event);
    if (commit != nullptr) {
      CHECK(commit->time > parse_datetime("2026-07-04T14:30:00Z"));
      CHECK(commit->time < parse_datetime("2026-07-04T14:39:14Z"));
    }
  }
  CHECK(before == 31527015471);
}

TEST_CASE("scenarios of relays are read to the last op") {
  const auto [name, want] = GENERATE(table<std::string, std::vector<std::string>>({
      {"account_lifecycle.json", {"identity", "active", "stale", "inactive"}},
      {"legacy.json", {"identity", "active", "create"}},
      {"deactivation.json",
       {"create", "inactive", "create", "active", "create", "delete", "create", "delete"}},
      {"post_lifecycle.json",
       {"create", "delete", "create", "delete", "update", "create", "create", "create"}},
      {"post_lifecycle_legacy.json", {"create", "create", "create", "delete", "create", "delete"}},
      {"rev_ordering.json", {"create", "delete", "delete", "delete"}},
      {"seq_ordering.json", {"identity", "active", "create", "create"}},
      {"firehose_commit_4621317030.json", {"create"}},
      {"firehose_commit_4621317332.json", {"create"}},
      {"firehose_commit_4621332152.json", std::vector<std::string>(42, "create")},
      {"firehose_commit_4623075231.json", {"create"}},
  }));
  INFO(name);
  const auto said = read_all_of(frames_of_json(name));
  INFO(joined(said).substr(0, 2000));
  REQUIRE(said.size() == want.size());
  for (std::size_t i = 0; i < want.size(); ++i) {
    CHECK_THAT(said[i], Catch::StartsWith("did:"));
    CHECK_THAT(said[i], Catch::Contains(" " + want[i] + " "));
  }
}

TEST_CASE("each type of message is what it says") {
  const std::string did = R"({"did":"did:plc:a",)" + kSaid;
  CHECK(read_json(R"({"t":"#sync","op":1})", did + R"(,"rev":"r","blocks":{"$bytes":""}})") ==
        "did:plc:a stale r");
  CHECK(read_json(kCommitHeader, MadeCommit().body("", R"(,"tooBig":true)")) ==
        "did:plc:a stale 3jzfcijpj2z2a");
  CHECK(read_json(R"({"t":"#identity","op":1})", did + "}") ==
        "did:plc:a identity - 1783175887877000");
  CHECK(read_json(R"({"t":"#identity","op":1})", did + R"(,"handle":"A.test"})") ==
        "did:plc:a identity A.test 1783175887877000");
  CHECK(read_json(R"({"t":"#account","op":1})", did + R"(,"active":true})") ==
        "did:plc:a active  1783175887877000");
  CHECK(read_json(R"({"t":"#account","op":1})", did + R"(,"active":false,"status":"deleted"})") ==
        "did:plc:a inactive deleted 1783175887877000");
  CHECK(read_json(R"({"t":"#info","op":1})", "{}") == "ignored #info");
  CHECK(read_json(R"({"t":"#tombstone","op":1})", "{}") == "ignored #tombstone");
  CHECK(read_json(R"({"t":"#commit","op":2})", "{}") == "ignored #commit");
  CHECK(read_json(R"({"op":-1})", R"({"error":"FutureCursor","message":"no"})") ==
        "error FutureCursor no");
  CHECK(read_json(kCommitHeader, MadeCommit().body("")) == "");
}

TEST_CASE("a message that cannot be used says why and where") {
  const std::string did = R"({"did":"did:plc:a",)" + kSaid;
  const auto [header, body, want] = GENERATE_COPY(table<std::string, std::string, std::string>({
      {R"({"op":1})", "{}", "byte 0: a header without op or t"},
      {R"({"t":"#commit"})", "{}", "byte 0: a header without op or t"},
      {"[1]", "{}", "byte 0: a header without op or t"},
      {kCommitHeader, "1", "byte 15: no repo"},
      {kCommitHeader, R"({"repo":"d"})", "byte 15: no rev"},
      {kCommitHeader, R"({"repo":"d","rev":"r"})", "byte 15: no time"},
      {kCommitHeader, R"({"repo":"d","rev":"r","time":"yesterday"})", "byte 15: no time"},
      {kCommitHeader, R"({"repo":"d","rev":"r",)" + kSaid + "}", "byte 15: no ops"},
      {R"({"t":"#sync","op":1})", did + "}", "byte 13: no rev"},
      {R"({"t":"#sync","op":1})", "{}", "byte 13: no did"},
      {R"({"t":"#account","op":1})", did + "}", "byte 16: no active"},
      {R"({"t":"#account","op":1})", R"({"did":"d"})", "byte 16: no time"},
      {R"({"t":"#account","op":1})", did + R"(,"active":false,"status":1})",
       "byte 16: a status that is no text"},
      {R"({"t":"#identity","op":1})", did + R"(,"handle":1})", "byte 17: a handle that is no text"},
  }));
  INFO(header << body);
  CHECK(read_json(header, body) == "malformed " + want);
}

TEST_CASE("a frame that is no two values of DAG-CBOR is malformed") {
  const std::string header = cbor_of(kCommitHeader);
  CHECK(read("") == "malformed byte 0: ends where a value is due");
  CHECK(read("\xff") == "malformed byte 0: a simple value other than null");
  CHECK(read(header) == "malformed byte 15: ends where a value is due");
  CHECK(read(header + "\xa0x") == "malformed byte 16: bytes behind the body");
  CHECK(read(header + "\xf9") == "malformed byte 15: a float");
}

TEST_CASE("one bad op does not take its neighbours along") {
  const std::string good = cbor_of(R"({"n":1})");
  const std::string bad = from_hex("a2 61 62 01 61 61 02");
  MadeCommit commit;
  commit.create("1", good)
      .create("2", bad)
      .op(R"({"action":"create","path":"a.b.c/3","cid":)" +
          link_json(Cid::of(Cid::Codec::dag_cbor, "lost")) + "}")
      .op(R"({"action":"create","path":"a.b.c/4"})")
      .op(R"({"action":"move","path":"a.b.c/5"})")
      .op(R"({"action":"delete","path":"a.b.c","cid":null})")
      .op(R"({"action":"delete","path":"a.b.c/6/7","cid":null})")
      .op(R"({"path":"a.b.c/7"})")
      .op("1")
      .create("9", cbor_of(R"({"$type":1})"))
      .create("10", cbor_of(R"([1])"))
      .op(R"({"action":"delete","path":"a.b.c/11","cid":null})")
      .create("12", good);
  const std::string did = "did:plc:a 3jzfcijpj2z2a ";
  const std::string cid = Cid::of(Cid::Codec::dag_cbor, good).text();
  CHECK(commit.read() ==
        did + "create a.b.c/1 " + cid + " {\"n\":1}\n" +                                        //
            did + "delete a.b.c/11 - \n" +                                                      //
            did + "create a.b.c/12 " + cid + " {\"n\":1}\n" +                                   //
            "malformed op 1 (a.b.c/2), byte 4 of its record: keys not by length, then bytes\n"  //
            "malformed op 2 (a.b.c/3): its block is missing\n"
            "malformed op 3 (a.b.c/4): no cid\n"
            "malformed op 4 (a.b.c/5): an unknown action\n"
            "malformed op 5 (a.b.c): a path that is not collection/rkey\n"
            "malformed op 6 (a.b.c/6/7): a path that is not collection/rkey\n"
            "malformed op 7 (a.b.c/7): no action or path\n"
            "malformed op 8: no action or path\n"
            "malformed op 9 (a.b.c/9), byte 7 of its record: $type that is no text or empty\n"
            "malformed op 10 (a.b.c/10), byte 0 of its record: a record that is no map");
}

TEST_CASE("a block with other bytes than its CID names is malformed") {
  MadeCommit commit;
  commit.create("1", cbor_of(R"({"n":1})")).create("2", cbor_of(R"({"n":2})"));
  commit.made.blocks[0].second.back() = '\x05';
  CHECK_THAT(commit.read(), Catch::EndsWith("malformed op 0 (a.b.c/1): its block's sha-256 is not "
                                            "its CID's"));
  CHECK_THAT(commit.read(), Catch::Contains(R"({"n":2})"));
}

TEST_CASE("blocks that are cut short give the ops whose blocks are whole") {
  MadeCommit commit;
  commit.create("1", cbor_of(R"({"n":1})")).create("2", cbor_of(R"({"n":2})"));
  std::string car = commit.made.car(Cid::of(Cid::Codec::dag_cbor, "commit"));
  car.pop_back();
  const std::string said = read_json(kCommitHeader, commit.body(car));
  CHECK_THAT(said, Catch::StartsWith("did:plc:a 3jzfcijpj2z2a create a.b.c/1 "));
  CHECK_THAT(said, Catch::Contains("ends inside a block\n"
                                   "malformed op 1 (a.b.c/2): its block is missing"));
}

TEST_CASE("no more than the lexicon's 200 ops are read, and no record beyond 384 KiB") {
  MadeCommit commit;
  for (int i = 0; i < 202; ++i) {
    commit.op(R"({"action":"delete","path":"a.b.c/)" + std::to_string(i) + R"(","cid":null})");
  }
  CHECK_THAT(commit.read(), Catch::EndsWith("a.b.c/199 - \nmalformed op 200: more than 200 ops"));
  const std::string large = R"({"a":")" + std::string(kMaxRecordBytes, 'x') + "\"}";
  CHECK_THAT(MadeCommit::read_record(large), Catch::EndsWith("a record beyond 384 KiB"));
}

TEST_CASE("a reader is of the frame it was given last") {
  FrameReader reader;
  const auto frames = captured_frames();
  const auto first = described(reader.read(frames[0]));
  CHECK_FALSE(first.empty());
  CHECK(described(reader.read("\xff")).size() == 1);
  CHECK(described(reader.read(frames[0])) == first);
}
