#include "tools/import/atproto/bytes/pieces.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>
#include <memory>
#include <vector>

#include "storage/base/errors.h"
#include "tests/support/temp_dir.h"

using namespace sluice::atproto;

namespace {

// Gives `step` bytes at a time.
ByteSource source_of(std::string bytes, std::size_t step) {
  return
      [bytes = std::move(bytes), step, at = std::size_t{0}](char* into, std::size_t size) mutable {
        const std::size_t count = std::min({size, step, bytes.size() - at});
        bytes.copy(into, count, at);
        at += count;
        return count;
      };
}

std::vector<std::string> lines(const std::string& bytes, std::size_t limit = 100) {
  std::vector<std::string> all;
  for (const std::size_t step : {1UL, 3UL, 100'000UL}) {
    Pieces pieces(source_of(bytes, step));
    std::vector<std::string> read;
    while (const auto line = pieces.line(limit)) {
      read.push_back(std::string(*line) + (pieces.too_long() ? "..." : ""));
    }
    if (!all.empty()) CHECK(read == all);
    all = read;
  }
  return all;
}

std::string frames(const std::string& bytes, std::size_t limit = 100) {
  Pieces pieces(source_of(bytes, 3));
  std::string all;
  while (const auto frame = pieces.frame(limit)) all.append(*frame).append(",");
  if (!pieces.fault()) return all;
  return all + " byte " + std::to_string(pieces.fault()->at) + ": " + pieces.fault()->reason;
}

std::string framed(const std::string& frame) {
  std::string bytes(4, '\0');
  bytes[0] = static_cast<char>(frame.size());
  return bytes + frame;
}

// Some 3 MB that pack well and differ everywhere.
std::string large_text() {
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

std::string zstd_packed(const std::string& bytes) {
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 1));
  return packed;
}

class Folder {
 public:
  std::filesystem::path write(const std::string& name, const std::string& bytes) {
    std::ofstream(dir_.path() / name, std::ios::binary) << bytes;
    return dir_.path() / name;
  }
  std::filesystem::path gzip(const std::string& name, const std::string& bytes) {
    gzFile_s* const file = gzopen((dir_.path() / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return dir_.path() / name;
  }

 private:
  sluice::testing::TempDir dir_;
};

std::string all_of(const std::filesystem::path& path) {
  return read_all(open_bytes(path), 100 << 20);
}

std::string complaint(const std::filesystem::path& path) {
  try {
    return "read " + std::to_string(all_of(path).size());
  } catch (const sluice::Misconfigured& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("lines are given one by one, the last one with or without an end") {
  CHECK(lines("").empty());
  CHECK(lines("a\nbc\n") == std::vector<std::string>{"a", "bc"});
  CHECK(lines("a\r\n\nbc") == std::vector<std::string>{"a", "", "bc"});
  CHECK(lines("\n") == std::vector<std::string>{""});
}

TEST_CASE("a line beyond the limit is passed over, and the next one is read") {
  CHECK(lines("abcd\nabcde\nx\n", 4) == std::vector<std::string>{"abcd", "abcd...", "x"});
  CHECK(lines(std::string(70'000, 'y') + "\nx", 4) == std::vector<std::string>{"yyyy...", "x"});
  CHECK(lines(std::string(70'000, 'y'), 4) == std::vector<std::string>{"yyyy..."});
}

TEST_CASE("frames are as long as the number in front of them says") {
  CHECK(frames("").empty());
  CHECK(frames(framed("abc") + framed("") + framed("d")) == "abc,,d,");
  CHECK(frames(framed("abc") + "\5") == "abc, byte 7: ends inside a frame's length");
  CHECK(frames(framed("abc") + framed("de").substr(0, 5)) == "abc, byte 7: ends inside a frame");
  CHECK(frames(framed("abc") + "\xff\xff\xff\xffyyy") == "abc, byte 7: a frame beyond the limit");
}

TEST_CASE("files are read plain, in gzip and in zstd, in any number of their parts") {
  Folder folder;
  const std::string text = large_text();
  CHECK(all_of(folder.write("a.jsonl", text)) == text);
  CHECK(all_of(folder.gzip("a.gz", text)) == text);
  CHECK(all_of(folder.write("a.zst", zstd_packed(text))) == text);
  CHECK(all_of(folder.write("b.zst", zstd_packed("x") + zstd_packed(text))) == "x" + text);
  CHECK(all_of(folder.write("c.zst", zstd_packed(""))).empty());
  CHECK(all_of(folder.write("empty", "")).empty());
}

TEST_CASE("a packed file that is cut short or none is refused, and one that is not there") {
  Folder folder;
  const std::string packed = zstd_packed(large_text());
  const auto path = folder.write("cut.zst", packed.substr(0, packed.size() - 9));
  CHECK(complaint(path) == path.string() + " is not a whole zstd file");
  CHECK_THAT(complaint(folder.write("none.zst", "plain text")), Catch::EndsWith("zstd file"));
  CHECK_THAT(complaint(folder.write("empty.zst", "")), Catch::EndsWith("zstd file"));
  CHECK_THAT(complaint(folder.write("none.gz", "plain text")), Catch::EndsWith("gzip file"));
  std::string gzip = read_all(
      [file = std::make_shared<std::ifstream>(folder.gzip("a.gz", large_text()), std::ios::binary)](
          char* into, std::size_t size) {
        file->read(into, static_cast<std::streamsize>(size));
        return static_cast<std::size_t>(file->gcount());
      },
      100 << 20);
  CHECK_THAT(complaint(folder.write("cut.gz", gzip.substr(0, gzip.size() - 9))),
             Catch::EndsWith("gzip file"));
  CHECK_THAT(complaint("/no/such/file"), Catch::Contains("cannot read /no/such/file"));
  CHECK_THROWS_AS(read_all(source_of("abcd", 1), 3), sluice::Misconfigured);
}
