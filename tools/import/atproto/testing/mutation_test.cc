// What is not well-formed, by the thousand: real frames, lines and a repository with bytes changed,
// as a seeded mutator does it. Run under sanitizers this finds reads beyond the end; in every build
// it holds the readers to their bounds. Nothing here asks what comes out, but that something does.

#include <chrono>
#include <random>

#include "tools/import/atproto/bytes/utf8.h"
#include "tools/import/atproto/repository/repository.h"
#include "tools/import/atproto/testing/made_blocks.h"
#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using namespace sluice::atproto::testing;

namespace {

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  // One to `most` changes, of the kinds that break decoders: bytes with a meaning, lengths that
  // grow, parts that are gone, doubled or of another input.
  std::string changed(std::string bytes, const std::string& other, std::size_t most = 4) {
    for (std::size_t left = 1 + below(most); left > 0 && !bytes.empty(); --left)
      change(bytes, other);
    return bytes;
  }
  std::size_t below(std::size_t bound) { return random_() % bound; }

 private:
  void change(std::string& bytes, const std::string& other) {
    // Heads of CBOR: claims of every size, tags, floats, indefinite lengths; and marks of JSON.
    static constexpr char kBytes[] =
        "\x00\x18\x1b\x3b\x58\x5b\x5f\x78\x7b\x7f\x80\x81\x98\x9b\x9f\xa0\xa1\xb8\xbb\xbf\xc1\xd8"
        "\xf6"
        "\xf7\xf9\xfb\xff\"\\{}[],:-0eu";
    constexpr std::string_view kTelling(kBytes, sizeof kBytes - 1);
    const std::size_t at = below(bytes.size());
    const std::size_t size = std::min(bytes.size() - at, 1 + below(below(8) == 0 ? 300 : 9));
    switch (below(7)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << below(8)));
        break;
      case 1:
        bytes[at] = kTelling[below(kTelling.size())];
        break;
      case 2:
        bytes.erase(at, size);
        break;
      case 3:
        bytes.insert(below(bytes.size()), bytes.substr(at, size));
        break;
      case 4:
        bytes.insert(at, other, below(other.size()), size);
        break;
      case 5:
        for (std::size_t i = at; i < at + size; ++i) bytes[i] = '\xff';
        break;
      default:
        bytes.resize(at);
    }
  }

  std::mt19937_64 random_;
};

// Looks at all that a message has, so that a sanitizer sees views of what is gone.
std::size_t weight(const Message& message) {
  std::size_t sum = 0;
  for (const std::string& line : described(message)) {
    sum += line.size();
    REQUIRE(valid_utf8(line) == line.size());
  }
  return sum;
}

// What is written of an input is at most so much longer: a control character has six for one.
constexpr std::size_t kMostGrowth = 8;
constexpr std::size_t kMostBeside = 100'000;

// A frame whose blocks have their CIDs mended, so that changes reach what is behind sha-256.
std::string mended(const std::string& block, Mutator& mutator) {
  MadeBlocks made;
  const Cid cid = made.add(mutator.changed(block, block, 1));
  const std::string car = made.car(cid);
  return frame_of(R"({"t":"#commit","op":1})",
                  R"({"repo":"d","rev":"r","time":"2026-07-04T14:38:07Z","blocks":)" +
                      bytes_json(car) + R"(,"ops":[{"action":"create","path":"a.b.c/k","cid":)" +
                      link_json(cid) + "}]}");
}

}  // namespace

TEST_CASE("changed frames are read or refused") {
  Mutator mutator(1);
  const auto frames = captured_frames();
  FrameReader reader;
  std::size_t refused = 0;
  for (int i = 0; i < 8000; ++i) {
    const std::string frame =
        mutator.changed(frames[mutator.below(frames.size())], frames[mutator.below(frames.size())]);
    const Message& message = reader.read(frame);
    refused += message.malformed.empty() ? 0 : 1;
    REQUIRE(weight(message) <= kMostGrowth * frame.size() + kMostBeside);
  }
  CHECK(refused > 2000);
}

TEST_CASE("changed records are read or refused, and read the same from what was written") {
  Mutator mutator(2);
  std::vector<std::string> blocks;
  JetstreamReader lines;
  for (const std::string& line : captured_lines()) {
    const auto* commit = std::get_if<Commit>(&lines.read(line).event);
    if (commit != nullptr && !commit->ops[0].record.empty()) {
      blocks.push_back(cbor_of(commit->ops[0].record));
    }
  }
  FrameReader reader;
  std::size_t taken = 0;
  for (int i = 0; i < 8000; ++i) {
    const std::string frame = mended(blocks[mutator.below(blocks.size())], mutator);
    const Message& message = reader.read(frame);
    REQUIRE(weight(message) <= kMostGrowth * frame.size() + kMostBeside);
    const auto* commit = std::get_if<Commit>(&message.event);
    if (commit == nullptr || commit->ops.empty()) continue;
    const std::string record(commit->ops[0].record);
    REQUIRE(canonical(record) == record);
    ++taken;
  }
  CHECK(taken > 500);
  CHECK(taken < 7500);
}

TEST_CASE("changed lines are read or refused") {
  Mutator mutator(3);
  const auto lines = captured_lines();
  JetstreamReader reader;
  std::size_t refused = 0;
  for (int i = 0; i < 8000; ++i) {
    const std::string line =
        mutator.changed(lines[mutator.below(lines.size())], lines[mutator.below(lines.size())]);
    const Message& message = reader.read(line);
    refused += message.malformed.empty() ? 0 : 1;
    REQUIRE(weight(message) <= kMostGrowth * line.size() + kMostBeside);
  }
  CHECK(refused > 2000);
}

TEST_CASE("a changed repository is read as far as it goes") {
  Mutator mutator(4);
  const std::string whole = file_bytes("jetstream-corpus/repo.car");
  std::size_t damaged = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string bytes = mutator.changed(whole, whole);
    CarReader car(bytes);
    Repository repository;
    std::size_t malformed = 0;
    if (repository.read(car)) {
      std::string last;
      repository.walk({.record =
                           [&](const RepoRecord& record) {
                             REQUIRE(record.cid.is_of(record.block));
                             std::string key(record.collection);
                             key.append("/").append(record.rkey);
                             REQUIRE(key > last);
                             last = key;
                           },
                       .malformed = [&](const Malformed&) { ++malformed; }});
    }
    damaged += malformed + repository.malformed().size() > 0 ? 1 : 0;
  }
  CHECK(damaged > 1500);
}

TEST_CASE("a tree whose nodes are changed and have their CIDs mended is walked in bounded time") {
  Mutator mutator(5);
  for (int i = 0; i < 300; ++i) {
    MadeBlocks made;
    std::map<std::string, Cid> keys;
    for (int k = 0; k < 60; ++k) {
      keys.emplace("app.bsky.feed.like/" + std::to_string(k), made.add(std::to_string(k)));
    }
    Cid root = made.tree(keys);
    // The root is put in last: what is below it stays reachable through what is left of it.
    root = made.add(mutator.changed(made.blocks.back().second, made.blocks.front().second));
    std::size_t visits = 0;
    const auto count = [&](const auto&) { ++visits; };
    walk_mst(made.index(), root, {.record = count, .malformed = count});
    REQUIRE(visits <= 4 * made.blocks.size() + 1);
  }
}

TEST_CASE("claims of great lengths and deep nests cost nothing") {
  const auto begin = std::chrono::steady_clock::now();
  Document document;
  for (int i = 0; i < 1000; ++i) {
    CHECK(decode_cbor(from_hex("9b 00000000ffffffff") + std::string(100, '\x9b'), document));
    CHECK(decode_cbor(std::string(100'000, '\x81'), document));
    CHECK(decode_json(std::string(100'000, '['), document));
    CHECK(document.size() <= kMaxDepth + 1);
  }
  // Some milliseconds; each would be hours if it were believed.
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20));
}
