#include "storage/embedded/write_ahead_log.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <system_error>
#include <vector>

#include "storage/base/errors.h"

namespace sluice::embedded {
namespace {

// The format of RocksDB's write-ahead files: blocks of this size, in them fragments, each with a
// masked CRC-32C of its type and bytes, the length of these, and the type. A batch is one or more
// fragments, and begins with its first sequence number and how many keys it has, little-endian.
constexpr std::size_t kBlock = 32'768;
constexpr std::size_t kHead = 7;
constexpr std::size_t kBatchHead = 12;
enum class Fragment : unsigned char { none = 0, full = 1, first = 2, middle = 3, last = 4 };

using PartitionId = std::pair<StreamId, Partition>;

constexpr std::array<std::uint32_t, 256> crc_table() {
  constexpr std::uint32_t kCastagnoliReflected = 0x82f63b78;
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1u) != 0 ? kCastagnoliReflected : 0);
    table[i] = crc;
  }
  return table;
}

std::uint32_t masked_crc(std::string_view bytes) {
  static constexpr auto kTable = crc_table();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const char byte : bytes) {
    crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xffu] ^ crc >> 8;
  }
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (std::size_t i = size; i-- > 0;) {
    number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
  }
  return number;
}

// Goes through the batches of all files in turn.
class Account {
 public:
  explicit Account(std::function<void(rocksdb::WriteBatch&)> sound = {})
      : sound_(std::move(sound)) {}

  void take(const std::string& bytes) {
    if (bytes.size() < kBatchHead) return;
    rocksdb::WriteBatch batch(bytes);
    if (sound_) return sound_(batch);
    const std::uint64_t sequence = little_endian(bytes, 0, 8);
    if (damaged_since_batch_) {
      if (next_sequence_) {
        lost_ += sequence - *next_sequence_;
      } else {
        damage.shows = false;
      }
      damaged_since_batch_ = false;
    }
    next_sequence_ = sequence + little_endian(bytes, 8, 4);
    Keys keys(*this);
    batch.Iterate(&keys).PermitUncheckedError();
  }
  void damaged(const std::filesystem::path& file, std::size_t at) {
    if (damage.what.empty()) {
      damage.what =
          "Corruption: in the write-ahead file " + file.string() + " at byte " + std::to_string(at);
    }
    damaged_since_batch_ = true;
    damage.sound.clear();
  }
  WriteAheadDamage finish() {
    if (damaged_since_batch_ || lost_ != missing_) damage.shows = false;
    return damage;
  }

  WriteAheadDamage damage;

 private:
  class Keys final : public rocksdb::WriteBatch::Handler {
   public:
    explicit Keys(Account& account) : account_(account) {}
    void Put(const rocksdb::Slice& key, const rocksdb::Slice&) override {
      if (const auto place = parse_record_key(key.ToStringView())) account_.take(*place);
    }

   private:
    Account& account_;
  };

  void take(const RecordPlace& place) {
    const PartitionId partition{place.stream, place.partition};
    const auto [at, first] = next_offsets_.try_emplace(partition, place.offset);
    missing_ += static_cast<std::uint64_t>(place.offset.value - at->second.value);
    at->second = place.offset.next();
    if (!damage.what.empty()) damage.sound.insert(partition);
  }

  const std::function<void(rocksdb::WriteBatch&)> sound_;
  std::optional<std::uint64_t> next_sequence_;
  std::map<PartitionId, Offset> next_offsets_;
  bool damaged_since_batch_ = false;
  std::uint64_t lost_ = 0;     // keys, by the numbers of the batches around the damage
  std::uint64_t missing_ = 0;  // records, by the offsets of their partitions
};

// One file's fragments, put together again.
class File {
 public:
  File(const std::filesystem::path& path, std::string bytes, Account& account)
      : path_(path), bytes_(std::move(bytes)), account_(account) {}

  void read() {
    for (std::size_t block = 0; block < bytes_.size(); block += kBlock) {
      const std::size_t end = std::min(block + kBlock, bytes_.size());
      std::size_t at = block;
      while (at + kHead <= end && read_fragment(at, end)) {
      }
    }
  }

 private:
  // Moves on behind it; false: nothing more of this block can be read.
  bool read_fragment(std::size_t& at, std::size_t end) {
    const std::size_t size = little_endian(bytes_, at + 4, 2);
    const auto type = static_cast<Fragment>(bytes_[at + 6]);
    if (type == Fragment::none && size == 0) return false;  // room that was never written
    if (!is_sound(at, end)) {
      if (at + kHead + size <= end || has_more(at, end)) lose(at);
      return false;
    }
    put_together(type, std::string_view(bytes_).substr(at + kHead, size));
    at += kHead + size;
    return true;
  }

  [[nodiscard]] bool is_sound(std::size_t at, std::size_t end) const {
    const std::size_t size = little_endian(bytes_, at + 4, 2);
    return at + kHead + size <= end &&
           masked_crc(std::string_view(bytes_).substr(at + 6, size + 1)) ==
               static_cast<std::uint32_t>(little_endian(bytes_, at, 4));
  }

  // Whether something was written behind it: then it was not cut short, but has a wrong length.
  [[nodiscard]] bool has_more(std::size_t at, std::size_t end) const {
    if (end < bytes_.size()) return true;
    for (++at; at + kHead < end; ++at) {
      if (little_endian(bytes_, at + 4, 2) > 0 && is_sound(at, end)) return true;
    }
    return false;
  }

  void put_together(Fragment type, std::string_view bytes) {
    const bool begins = type == Fragment::full || type == Fragment::first;
    if (begins) {
      batch_ = bytes;
      begun_ = true;
    } else if (begun_) {
      batch_.append(bytes);
    }
    const bool ends = type == Fragment::full || type == Fragment::last;
    if (ends && std::exchange(begun_, false)) account_.take(batch_);
  }

  void lose(std::size_t at) {
    begun_ = false;
    account_.damaged(path_, at);
  }

  const std::filesystem::path path_;
  const std::string bytes_;
  Account& account_;
  std::string batch_;
  bool begun_ = false;
};

constexpr std::string_view kPending = ".pending";

std::vector<std::filesystem::path> files_named(const std::filesystem::path& directory,
                                               std::string_view extension) {
  std::vector<std::filesystem::path> files;
  std::error_code none;  // a folder that is not made yet
  for (const auto& entry : std::filesystem::directory_iterator(directory, none)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());  // numbers of six digits and more
  return files;
}

std::filesystem::path aside(const std::filesystem::path& directory) {
  return directory / "damaged";
}

void read(const std::filesystem::path& path, Account& account) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  if (!in && !in.eof()) throw Retryable("read " + path.string());
  File(path, std::move(bytes), account).read();
}

void require(const std::error_code& failed, const std::filesystem::path& moved) {
  if (failed) throw Retryable("move " + moved.string() + ": " + failed.message());
}

}  // namespace

WriteAheadDamage find_write_ahead_damage(const std::filesystem::path& directory) {
  Account account;
  for (const auto& path : files_named(directory, ".log")) read(path, account);
  return account.finish();
}

void set_write_ahead_files_aside(const std::filesystem::path& directory) {
  std::error_code failed;
  std::filesystem::create_directories(aside(directory), failed);
  require(failed, directory);
  for (const auto& path : files_named(directory, ".log")) {
    std::filesystem::rename(path, aside(directory) / (path.filename().string().append(kPending)),
                            failed);
    require(failed, path);
  }
}

void for_each_batch_set_aside(const std::filesystem::path& directory,
                              const std::function<void(rocksdb::WriteBatch&)>& take) {
  Account account(take);
  for (const auto& path : files_named(aside(directory), kPending)) read(path, account);
}

void finish_files_set_aside(const std::filesystem::path& directory) {
  for (const auto& path : files_named(aside(directory), kPending)) {
    std::error_code failed;
    std::filesystem::rename(path, aside(directory) / path.stem(), failed);
    require(failed, path);
  }
}

}  // namespace sluice::embedded
