#pragma once

#include <array>
#include <compare>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::atproto {

// The address of a block by its content, in the only forms that atproto links with (specification,
// Data Model, "Link and CID formats"): version 1, sha-256, codec dag-cbor or raw.
class Cid {
 public:
  enum class Codec : unsigned char { raw = 0x55, dag_cbor = 0x71 };
  static constexpr std::size_t kBytes = 36;  // 01, codec, 12 (sha-256), 20 (32 bytes), digest
  static constexpr std::size_t kText = 59;   // "b" and 58 digits

  // nullopt: another form, or not of exactly this length.
  [[nodiscard]] static std::optional<Cid> from_bytes(std::string_view bytes);
  // Base32 in small letters behind the multibase prefix "b": the only text form a block has here.
  [[nodiscard]] static std::optional<Cid> from_text(std::string_view text);
  [[nodiscard]] static Cid of(Codec codec, std::string_view block);

  [[nodiscard]] std::string text() const;
  void append_text(std::string& out) const;
  [[nodiscard]] std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  [[nodiscard]] Codec codec() const;
  // Whether the block's sha-256 is the one this names.
  [[nodiscard]] bool is_of(std::string_view block) const;

  friend auto operator<=>(const Cid&, const Cid&) = default;

 private:
  Cid() = default;
  std::array<char, kBytes> bytes_{};
};

}  // namespace sluice::atproto
