#include "tools/import/text_file.h"

#include <simdjson.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "storage/base/errors.h"
#include "tools/import/atproto/bytes/utf8.h"

namespace sluice {
namespace {

constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";
constexpr std::string_view kUtf16LittleMark = "\xff\xfe";
constexpr std::string_view kUtf16BigMark = "\xfe\xff";
constexpr std::string_view kUtf32LittleMark{"\xff\xfe\0\0", 4};

std::string unpacked(const std::filesystem::path& path) {
  gzFile_s* const file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    throw Misconfigured("cannot read " + path.string() + ": " + std::strerror(errno));
  }
  std::string text;
  std::array<char, 1 << 16> part{};
  int read = 0;
  while ((read = gzread(file, part.data(), part.size())) > 0) {
    text.append(part.data(), static_cast<std::size_t>(read));
  }
  // zlib tells of a file that was cut short when it is closed.
  const bool packed = gzdirect(file) == 0;
  const bool whole = gzclose(file) == Z_OK && read == 0 && packed;
  if (!whole) throw Misconfigured(path.string() + " is not a whole gzip file");
  return text;
}

std::string bytes_of(const std::filesystem::path& path) {
  if (path.extension() == ".gz") return unpacked(path);
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Misconfigured("cannot read " + path.string() + ": " + std::strerror(errno));
  std::ostringstream text;
  // An empty file puts nothing into the stream, which then counts as failed.
  if (in.peek() != std::ifstream::traits_type::eof() && !(text << in.rdbuf())) {
    throw Misconfigured("cannot read " + path.string());
  }
  return text.str();
}

// "line 3, byte 17": of the byte at this place.
std::string place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = 1 + std::ranges::count(before, '\n');
  const auto begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return "line " + std::to_string(line) + ", byte " + std::to_string(at - begin + 1);
}

void check_utf8(std::string_view text, const std::string& name) {
  if (const auto zero = text.find('\0'); zero != std::string_view::npos) {
    throw Misconfigured(name + " " + place_of(text, zero) +
                        ": a zero byte: if it is UTF-16 without a byte order mark, save it as "
                        "UTF-8");
  }
  if (simdjson::validate_utf8(text.data(), text.size())) return;
  // The longest prefix that is sound ends before the first fault, but for a character cut short.
  std::size_t sound = 0;
  std::size_t broken = text.size();
  while (broken - sound > 1) {
    const std::size_t middle = sound + (broken - sound) / 2;
    std::size_t end = middle;
    while (end > sound && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    (simdjson::validate_utf8(text.data(), end) ? sound : broken) = middle;
  }
  throw Misconfigured(name + " " + place_of(text, sound) +
                      ": not UTF-8: save it as UTF-8, or convert it, as iconv -f LATIN1 -t UTF-8 "
                      "does");
}

// Without the mark.
std::string from_utf16(std::string_view bytes, bool little, const std::string& name) {
  const auto unit = [&](std::size_t at) {
    const auto low = static_cast<unsigned char>(bytes[at + (little ? 0 : 1)]);
    const auto high = static_cast<unsigned char>(bytes[at + (little ? 1 : 0)]);
    return static_cast<std::uint32_t>(high << 8 | low);
  };
  const auto fault = [&](const std::string& text) {
    return Misconfigured(name + " " + place_of(text, text.size()) +
                         ": not the UTF-16 that its byte order mark declares: save it as UTF-8");
  };
  std::string text;
  for (std::size_t at = 0; at + 1 < bytes.size(); at += 2) {
    std::uint32_t point = unit(at);
    if (point >= 0xd800 && point < 0xe000) {
      const std::uint32_t second = at + 3 < bytes.size() ? unit(at + 2) : 0;
      if (point >= 0xdc00 || second < 0xdc00 || second >= 0xe000) throw fault(text);
      point = 0x10000 + ((point - 0xd800) << 10) + (second - 0xdc00);
      at += 2;
    }
    atproto::append_utf8(text, point);
  }
  if (bytes.size() % 2 != 0) throw fault(text);
  return text;
}

}  // namespace

std::string read_text(const std::filesystem::path& path) {
  return decode_text(bytes_of(path), path.filename().string());
}

std::string decode_text(std::string bytes, const std::string& name) {
  if (bytes.starts_with(kUtf32LittleMark)) {
    throw Misconfigured(name + " is UTF-32 by its byte order mark: save it as UTF-8");
  }
  const bool little = bytes.starts_with(kUtf16LittleMark);
  if (little || bytes.starts_with(kUtf16BigMark)) {
    bytes = from_utf16(std::string_view(bytes).substr(2), little, name);
  } else if (bytes.starts_with(kUtf8Mark)) {
    bytes.erase(0, kUtf8Mark.size());
  }
  check_utf8(bytes, name);
  return bytes;
}

}  // namespace sluice
