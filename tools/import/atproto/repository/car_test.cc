#include "tools/import/atproto/repository/car.h"

#include <algorithm>

#include "tools/import/atproto/testing/made_blocks.h"
#include "tools/import/atproto/testing/network_data.h"

using namespace sluice::atproto;
using namespace sluice::atproto::testing;

namespace {

// The blocks' data one behind the other, then the fault: "one,two, byte 70: ends inside a block".
std::string read(CarReader& reader) {
  std::string text;
  while (const Block* const block = reader.next()) text.append(block->data).append(",");
  if (reader.fault()) {
    text += " byte " + std::to_string(reader.fault()->at) + ": " + reader.fault()->reason;
  }
  return text;
}

std::string read(std::string_view bytes) {
  CarReader reader(bytes);
  return read(reader);
}

// The same through a stream that gives a few bytes at a time.
std::string read_streamed(std::string bytes) {
  std::size_t at = 0;
  Pieces pieces([&](char* into, std::size_t size) {
    const std::size_t count = std::min({size, std::size_t{7}, bytes.size() - at});
    bytes.copy(into, count, at);
    at += count;
    return count;
  });
  CarReader reader(pieces);
  return read(reader);
}

struct MadeCar {
  MadeBlocks made;
  Cid one = made.add("one");
  Cid two = made.add("two");
  std::string bytes = made.car(one);
  std::size_t header = bytes.size() - 2 * (1 + Cid::kBytes + 3);
};

}  // namespace

TEST_CASE("a CAR gives its roots and its blocks in order, from memory and from a stream") {
  const MadeCar car;
  CHECK(read(car.bytes) == "one,two,");
  CHECK(read_streamed(car.bytes) == "one,two,");
  CarReader reader(car.bytes);
  CHECK(reader.roots() == std::vector{car.one});
  const Block* const block = reader.next();
  REQUIRE(block != nullptr);
  CHECK(block->cid == car.one);
  CHECK(car.bytes.substr(block->at, 3) == "one");
}

TEST_CASE("a CAR that is cut short gives what is before, and the place") {
  const MadeCar car;
  const std::string cut = car.bytes.substr(0, car.bytes.size() - 1);
  const std::string want =
      "one, byte " + std::to_string(car.header + 1 + Cid::kBytes + 3) + ": ends inside a block";
  CHECK(read(cut) == want);
  CHECK(read_streamed(cut) == want);
  CHECK(read("") == " byte 0: no CAR: it is empty");
  CHECK(read(car.bytes.substr(0, 20)) == " byte 1: ends inside the header");
  CHECK(read(car.bytes + '\x80') ==
        "one,two, byte " + std::to_string(car.bytes.size()) + ": ends inside a length");
}

TEST_CASE("lengths are held to limits and to their shortest form") {
  const MadeCar car;
  const std::string place = "one,two, byte " + std::to_string(car.bytes.size());
  CHECK(read(car.bytes + varint(kMaxBlockBytes + Cid::kBytes + 1)) ==
        place + ": a length beyond the limit");
  CHECK(read(car.bytes + "\xff\xff\xff\xff\x0f") == place + ": a length beyond the limit");
  CHECK(read(car.bytes + std::string("\x80\0", 2)) ==
        place + ": a length not in its shortest form");
  CHECK(read_streamed(car.bytes + varint(kMaxBlockBytes)) == place + ": ends inside a block");
  CHECK(read(varint(kMaxCarHeaderBytes + 1)) == " byte 0: a length beyond the limit");
}

TEST_CASE("a block of a CID that atproto does not link with is passed over") {
  MadeCar car;
  std::string section = varint(Cid::kBytes + 1) + std::string(car.one.bytes()) + "x";
  section[2] = '\x70';  // dag-pb
  CHECK(read(car.bytes + section + varint(3) + "abc") == "one,two,");
  car.bytes.insert(car.header, section);
  CHECK(read(car.bytes) == "one,two,");
}

TEST_CASE("a header is of version 1, with a list of links") {
  const auto with_header = [](const std::string& json) {
    const std::string header = cbor_of(json);
    return read(varint(header.size()) + header);
  };
  const std::string refused = " byte 1: no header of a CAR of version 1";
  CHECK(with_header(R"({"roots":[],"version":1})").empty());
  CHECK(with_header(R"({"roots":[],"version":2})") == refused);
  CHECK(with_header(R"({"version":1})") == refused);
  CHECK(with_header(R"([1])") == refused);
  CHECK(with_header(R"({"roots":[1],"version":1})") == " byte 9: a root that is no link");
  CHECK(read(varint(1) + '\xff') == " byte 1: a simple value other than null");
}
