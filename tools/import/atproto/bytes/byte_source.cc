#include "tools/import/atproto/bytes/byte_source.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <vector>

#include "storage/base/errors.h"

namespace sluice::atproto {
namespace {

struct Close {
  void operator()(gzFile_s* file) const { (void)gzclose(file); }
  void operator()(ZSTD_DCtx* context) const { (void)ZSTD_freeDCtx(context); }
};
Misconfigured unreadable(const std::string& name) {
  return Misconfigured("cannot read " + name + ": " + std::strerror(errno));
}

class PlainFile {
 public:
  explicit PlainFile(const std::string& name)
      : name_(name), file_(name == "-" ? STDIN_FILENO : open(name.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (file_ < 0) throw unreadable(name_);
  }
  ~PlainFile() {
    if (file_ != STDIN_FILENO) (void)close(file_);
  }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  std::size_t read(char* into, std::size_t size) {
    ssize_t got = 0;
    do {
      got = ::read(file_, into, size);
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw unreadable(name_);
    return static_cast<std::size_t>(got);
  }

 private:
  std::string name_;
  int file_;
};

class GzipFile {
 public:
  explicit GzipFile(const std::string& name) : name_(name), file_(gzopen(name.c_str(), "rb")) {
    if (file_ == nullptr) throw unreadable(name_);
  }
  std::size_t read(char* into, std::size_t size) {
    constexpr std::size_t kMost = 1 << 30;
    const int got = gzread(file_.get(), into, static_cast<unsigned>(std::min(size, kMost)));
    int error = Z_OK;
    (void)gzerror(file_.get(), &error);
    if (got < 0 || error != Z_OK || gzdirect(file_.get()) != 0) {
      throw Misconfigured(name_ + " is not a whole gzip file");
    }
    return static_cast<std::size_t>(got);
  }

 private:
  std::string name_;
  std::unique_ptr<gzFile_s, Close> file_;
};

class ZstdFile {
 public:
  explicit ZstdFile(const std::string& name)
      : name_(name), file_(name), context_(ZSTD_createDCtx()), packed_(ZSTD_DStreamInSize()) {}
  std::size_t read(char* into, std::size_t size) {
    ZSTD_outBuffer out{into, size, 0};
    while (out.pos == 0 && more()) {
      pending_ = ZSTD_decompressStream(context_.get(), &out, &in_);
      if (ZSTD_isError(pending_) != 0) throw broken();
      stuck_ = out.pos == 0 && in_.size == 0;
    }
    return out.pos;
  }

 private:
  [[nodiscard]] Misconfigured broken() const {
    return Misconfigured(name_ + " is not a whole zstd file");
  }
  // Whether there are packed bytes, or unpacked ones that zstd has not given yet.
  bool more() {
    if (in_.pos < in_.size) return true;
    in_ = {packed_.data(), file_.read(packed_.data(), packed_.size()), 0};
    if (in_.size > 0) {
      began_ = true;
      return true;
    }
    if (pending_ == 0 && began_) return false;
    if (stuck_ || !began_) throw broken();
    return true;
  }

  std::string name_;
  PlainFile file_;
  std::unique_ptr<ZSTD_DCtx, Close> context_;
  std::vector<char> packed_;
  ZSTD_inBuffer in_{nullptr, 0, 0};
  std::size_t pending_ = 0;  // 0: at the end of a frame
  bool began_ = false;
  bool stuck_ = false;
};

template <class Opened>
ByteSource source_of(const std::string& name) {
  return [file = std::make_shared<Opened>(name)](char* into, std::size_t size) {
    return file->read(into, size);
  };
}

}  // namespace

ByteSource open_bytes(const std::filesystem::path& path) {
  if (path.extension() == ".gz") return source_of<GzipFile>(path.string());
  if (path.extension() == ".zst") return source_of<ZstdFile>(path.string());
  return source_of<PlainFile>(path.string());
}

std::string read_all(const ByteSource& source, std::size_t limit) {
  constexpr std::size_t kPart = 1 << 20;
  std::string bytes;
  std::size_t got = 1;
  while (got > 0) {
    const std::size_t begin = bytes.size();
    bytes.resize(begin + kPart);
    got = source(bytes.data() + begin, kPart);
    bytes.resize(begin + got);
    if (bytes.size() > limit) {
      throw Misconfigured("an input of more than " + std::to_string(limit) + " bytes");
    }
  }
  return bytes;
}

}  // namespace sluice::atproto
