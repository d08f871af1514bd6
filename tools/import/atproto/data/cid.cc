#include "tools/import/atproto/data/cid.h"

#include <algorithm>
#include <cstdint>

#include "tools/import/atproto/bytes/sha256.h"

namespace sluice::atproto {
namespace {

constexpr char kVersion = 1;
constexpr char kSha256 = 0x12;
constexpr char kDigestBytes = 0x20;
constexpr std::size_t kDigestAt = 4;
constexpr std::string_view kBase32 = "abcdefghijklmnopqrstuvwxyz234567";

std::optional<std::uint32_t> value_of(char digit) {
  if (digit >= 'a' && digit <= 'z') return static_cast<std::uint32_t>(digit - 'a');
  if (digit >= '2' && digit <= '7') return static_cast<std::uint32_t>(digit - '2' + 26);
  return std::nullopt;
}

}  // namespace

std::optional<Cid> Cid::from_bytes(std::string_view bytes) {
  if (bytes.size() != kBytes || bytes[0] != kVersion || bytes[2] != kSha256 ||
      bytes[3] != kDigestBytes) {
    return std::nullopt;
  }
  const auto codec = static_cast<Codec>(static_cast<unsigned char>(bytes[1]));
  if (codec != Codec::raw && codec != Codec::dag_cbor) return std::nullopt;
  Cid made;
  std::ranges::copy(bytes, made.bytes_.begin());
  return made;
}

std::optional<Cid> Cid::from_text(std::string_view text) {
  if (text.size() != kText || text.front() != 'b') return std::nullopt;
  std::array<char, kBytes> bytes{};
  std::size_t at = 0;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char digit : text.substr(1)) {
    const auto value = value_of(digit);
    if (!value) return std::nullopt;
    bits = bits << 5 | *value;
    count += 5;
    if (count < 8) continue;
    count -= 8;
    bytes[at++] = static_cast<char>(bits >> count & 0xff);
  }
  // 58 digits are two bits more than 36 bytes: other bits there would be a second text of one CID.
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return from_bytes({bytes.data(), bytes.size()});
}

Cid Cid::of(Codec codec, std::string_view block) {
  Cid made;
  made.bytes_ = {kVersion, static_cast<char>(codec), kSha256, kDigestBytes};
  std::ranges::copy(sha256(block), made.bytes_.begin() + kDigestAt);
  return made;
}

std::string Cid::text() const {
  std::string text;
  append_text(text);
  return text;
}

void Cid::append_text(std::string& out) const {
  out.reserve(out.size() + kText);
  out += 'b';
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : bytes_) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    for (count += 8; count >= 5; count -= 5) out += kBase32[bits >> (count - 5) & 31];
  }
  out += kBase32[bits << (5 - count) & 31];
}

Cid::Codec Cid::codec() const { return static_cast<Codec>(static_cast<unsigned char>(bytes_[1])); }

bool Cid::is_of(std::string_view block) const {
  return std::ranges::equal(sha256(block), bytes().substr(kDigestAt));
}

}  // namespace sluice::atproto
