#include "tools/import/atproto/bytes/utf8.h"

#include <cstdint>
#include <cstring>

namespace sluice::atproto {
namespace {

constexpr std::uint64_t kHighBits = 0x8080808080808080;
constexpr std::uint64_t kOnes = 0x0101010101010101;

unsigned byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool in(unsigned byte, unsigned least, unsigned greatest) {
  return byte >= least && byte <= greatest;
}

// Table 3-7 of the Unicode standard: what may stand behind a lead byte. 0: no such sequence.
std::size_t sequence_at(std::string_view text, std::size_t at) {
  const unsigned lead = byte_at(text, at);
  if (lead < 0x80) return 1;
  if (!in(lead, 0xc2, 0xf4)) return 0;
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (text.size() - at < size) return 0;
  const unsigned least = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned greatest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (!in(byte_at(text, at + 1), least, greatest)) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (!in(byte_at(text, at + i), 0x80, 0xbf)) return 0;
  }
  return size;
}

}  // namespace

TextScan scan_text(std::string_view text) {
  std::uint64_t high = 0;
  std::uint64_t zero = 0;
  std::size_t at = 0;
  for (; text.size() - at >= sizeof(std::uint64_t); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof word);
    high |= word;
    zero |= (word - kOnes) & ~word;  // the high bit of a byte of zero; exact for "is there one"
  }
  for (; at < text.size(); ++at) {
    high |= byte_at(text, at);
    zero |= text[at] == '\0' ? kHighBits : 0;
  }
  return {.ascii = (high & kHighBits) == 0, .has_zero = (zero & kHighBits) != 0};
}

std::size_t valid_utf8(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t size = sequence_at(text, at);
    if (size == 0) break;
    at += size;
  }
  return at;
}

}  // namespace sluice::atproto
