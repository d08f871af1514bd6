#include "tools/sluice/snapshots/files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "storage/base/errors.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kPiece = std::size_t{1} << 20;

class Descriptor {
 public:
  explicit Descriptor(int opened) : number_(opened) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int number() const { return number_; }
  [[nodiscard]] bool open() const { return number_ >= 0; }

 private:
  int number_;
};

[[noreturn]] void cannot(const char* what, const fs::path& path) {
  throw Misconfigured(std::string("cannot ") + what + " " + path.string() + " (" +
                      std::strerror(errno) + ")");
}

std::string hex_of(XXH128_hash_t hash) {
  return sluice::hex_of(hash.high64) + sluice::hex_of(hash.low64);
}

// XXH3 of bytes that come in pieces.
class Checksum {
 public:
  Checksum() : state_(XXH3_createState(), &XXH3_freeState) {
    if (state_ == nullptr) throw std::bad_alloc();
    XXH3_128bits_reset(state_.get());
  }
  void take(const char* bytes, std::size_t size) { XXH3_128bits_update(state_.get(), bytes, size); }
  [[nodiscard]] std::string text() const { return hex_of(XXH3_128bits_digest(state_.get())); }

 private:
  std::unique_ptr<XXH3_state_t, XXH_errorcode (*)(XXH3_state_t*)> state_;
};

Descriptor open_to_read(const fs::path& file) {
  return Descriptor(::open(file.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

bool write_all(int to, const char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t written = ::write(to, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

// False where it cannot be read.
template <class Take>
bool for_each_piece(int file, Take take) {
  std::vector<char> piece(kPiece);
  for (;;) {
    const ssize_t size = ::read(file, piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return false;
    if (size == 0) return true;
    take(piece.data(), static_cast<std::size_t>(size));
  }
}

}  // namespace

std::string hex_of(std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = text.size(); i-- > 0; number >>= 4) text[i] = kDigits[number & 15];
  return text;
}

bool parse_hex(std::string_view text, std::uint64_t& number) {
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number, 16);
  return text.size() == 16 && read.ec == std::errc() && read.ptr == end;
}

std::string checksum_of(std::string_view bytes) {
  return hex_of(XXH3_128bits(bytes.data(), bytes.size()));
}

std::optional<std::string> checksum_of_file(const fs::path& file) {
  if (!look_at_file(file)) return std::nullopt;
  const Descriptor opened = open_to_read(file);
  Checksum sum;
  const auto take = [&](const char* bytes, std::size_t size) { sum.take(bytes, size); };
  if (!opened.open() || !for_each_piece(opened.number(), take)) {
    throw Retryable("cannot read " + file.string() + " (" + std::strerror(errno) + ")");
  }
  return sum.text();
}

bool is_file_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name != "snapshot.json" &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

std::optional<FileSeen> look_at_file(const fs::path& file) {
  struct stat about {};
  if (::lstat(file.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) return std::nullopt;
  constexpr std::int64_t kSecond = 1'000'000'000;
  return FileSeen{static_cast<std::uint64_t>(about.st_size),
                  about.st_mtim.tv_sec * kSecond + about.st_mtim.tv_nsec};
}

void copy_durably(const fs::path& from, const fs::path& to) { (void)copy_and_sum(from, to); }

std::string copy_and_sum(const fs::path& from, const fs::path& to) {
  const Descriptor source = open_to_read(from);
  if (!source.open()) cannot("read", from);
  const Descriptor target(
      ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!target.open()) cannot("make", to);
  Checksum sum;
  bool written = true;
  off_t begun = 0;
  const auto take = [&](const char* bytes, std::size_t size) {
    sum.take(bytes, size);
    written = written && write_all(target.number(), bytes, size);
    // On its way while the next is read: the sync at the end has little left to wait for.
    (void)::sync_file_range(target.number(), begun, static_cast<off_t>(size),
                            SYNC_FILE_RANGE_WRITE);
    begun += static_cast<off_t>(size);
  };
  if (!for_each_piece(source.number(), take)) cannot("read", from);
  if (!written || ::fsync(target.number()) != 0) cannot("write", to);
  return sum.text();
}

bool link_file(const fs::path& from, const fs::path& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return true;
  if (errno == EEXIST || errno == ENOENT || errno == ENOSPC) cannot("make", to);
  return false;
}

Placed link_or_copy(const fs::path& from, const fs::path& to) {
  if (link_file(from, to)) return Placed::linked;
  copy_durably(from, to);
  return Placed::copied;
}

void sync_path(const fs::path& path) {
  const Descriptor opened(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!opened.open() || ::fsync(opened.number()) != 0) cannot("write", path);
}

FolderHold::FolderHold(const fs::path& folder, Kind kind)
    : folder_(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) {
  if (folder_ < 0) return;
  const int how = kind == Kind::alone ? LOCK_EX : LOCK_SH;
  if (::flock(folder_, how | LOCK_NB) == 0) return;
  ::close(std::exchange(folder_, -1));
}

FolderHold::~FolderHold() {
  if (folder_ >= 0) ::close(folder_);
}

}  // namespace sluice
