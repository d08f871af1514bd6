#include "projectors/engine/key_index/index_page.h"

#include <bit>
#include <cstring>
#include <limits>
#include <type_traits>

#include "storage/base/check.h"
#include "storage/damaged_state.h"

namespace sluice::key_index {
namespace {

constexpr std::string_view kPages = "kr";
constexpr std::size_t kHeader = 10;  // of a group

static_assert(std::endian::native == std::endian::little, "pages are stored as numbers in memory");

template <class Number>
void append_number(std::string& key, Number number) {
  static_assert(std::is_unsigned_v<Number>);
  for (int shift = 8 * (static_cast<int>(sizeof(Number)) - 1); shift >= 0; shift -= 8) {
    key.push_back(static_cast<char>(number >> shift));
  }
}

void append_varint(std::string& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes.push_back(static_cast<char>(number | 0x80));
  bytes.push_back(static_cast<char>(number));
}

[[noreturn]] void damaged() { throw DamagedState("key index: a page cannot be read"); }

std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) damaged();
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    number |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return number;
  }
  damaged();
}

// Small numbers of either sign are few bytes.
std::uint64_t zigzag(std::int64_t number) {
  return static_cast<std::uint64_t>(number) << 1 ^ static_cast<std::uint64_t>(number >> 63);
}
std::int64_t unzigzag(std::uint64_t number) {
  return static_cast<std::int64_t>(number >> 1 ^ (0 - (number & 1)));
}

}  // namespace

std::string key_of(std::string_view kind, std::uint64_t number) {
  std::string key(kind);
  append_number(key, number);
  return key;
}

std::string first_page_key(std::uint64_t run, std::uint64_t hash) {
  std::string key = key_of(kPages, run);
  append_number(key, hash);
  return key;
}

std::string page_key(std::uint64_t run, std::uint64_t hash, std::uint32_t page) {
  std::string key = first_page_key(run, hash);
  append_number(key, page);
  return key;
}

std::string pages_end(std::uint64_t run) { return key_of(kPages, run + 1); }

std::uint64_t number_at(std::string_view key, std::size_t offset) {
  if (key.size() < offset + 8) throw DamagedState("key index: a key is too short");
  std::uint64_t number = 0;
  for (const char byte : key.substr(offset, 8)) {
    number = number << 8 | static_cast<unsigned char>(byte);
  }
  return number;
}

std::uint64_t last_hash_of(std::string_view page_key) {
  return number_at(page_key, kPages.size() + 8);
}

void PageWriter::begin_group(std::uint64_t hash) {
  end_group();
  hash_ = hash;
  group_ = bytes_.size();
  in_group_ = 0;
  last_offset_ = 0;
  bytes_.append(kHeader, '\0');
  std::memcpy(bytes_.data() + group_, &hash, sizeof hash);
}

void PageWriter::end_group() {
  if (bytes_.empty()) return;
  const auto count = static_cast<std::uint16_t>(in_group_);
  std::memcpy(bytes_.data() + group_ + 8, &count, sizeof count);
}

void PageWriter::add(const Entry& entry) {
  if (bytes_.empty() || entry.hash != hash_ ||
      in_group_ == std::numeric_limits<std::uint16_t>::max()) {
    CHECK(bytes_.empty() || entry.hash >= hash_, "entries ascend");
    begin_group(entry.hash);
  }
  const Posting& posting = entry.posting;
  CHECK(posting.offset.value >= last_offset_, "a key's postings ascend");
  const auto behind = static_cast<std::uint64_t>(posting.offset.value - last_offset_);
  append_varint(bytes_, behind << 3 | static_cast<std::uint64_t>(posting.kind) << 1 |
                            (posting.duplicate ? 1U : 0U));
  if (posting.kind != Posting::Kind::plain) append_varint(bytes_, zigzag(posting.time));
  last_offset_ = posting.offset.value;
  ++in_group_;
}

std::string_view PageWriter::finish() {
  end_group();
  return bytes_;
}

void PageWriter::clear() { bytes_.clear(); }

void PageReader::begin_group() {
  if (rest_.size() < kHeader) damaged();
  std::uint16_t count = 0;
  std::memcpy(&entry_.hash, rest_.data(), sizeof entry_.hash);
  std::memcpy(&count, rest_.data() + 8, sizeof count);
  if (count == 0) damaged();
  rest_.remove_prefix(kHeader);
  left_ = count;
  entry_.posting = {};
}

void PageReader::next() {
  if (left_ == 0) {
    valid_ = !rest_.empty();
    if (!valid_) return;
    begin_group();
  }
  --left_;
  const std::uint64_t packed = take_varint(rest_);
  Posting& posting = entry_.posting;
  if (__builtin_add_overflow(posting.offset.value, static_cast<std::int64_t>(packed >> 3),
                             &posting.offset.value)) {
    damaged();
  }
  posting.kind = static_cast<Posting::Kind>(packed >> 1 & 3U);
  posting.duplicate = (packed & 1U) != 0;
  posting.time = posting.kind == Posting::Kind::plain ? 0 : unzigzag(take_varint(rest_));
}

}  // namespace sluice::key_index
