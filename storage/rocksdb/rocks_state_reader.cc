#include "storage/rocksdb/rocks_state_reader.h"

#include <rocksdb/db.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <system_error>

#include "storage/base/errors.h"
#include "storage/rocksdb/rocks_cursor.h"
#include "storage/rocksdb/rocks_resources.h"
#include "storage/rocksdb/rocks_status.h"

namespace sluice {
namespace {

constexpr std::size_t kBytes = std::size_t{16} << 20;

// RocksDB writes its own log of events somewhere, and not beside the owner's.
std::filesystem::path make_scratch() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-state-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw Misconfigured("cannot make a folder like " + name + " (" + std::strerror(errno) +
                        "): set TMPDIR to one that has room");
  }
  return name;
}

}  // namespace

struct RocksStateReader::Database {
  ~Database() {
    rocks.reset();
    std::error_code ignored;  // a leftover in the system's temporary folder
    if (!scratch.empty()) std::filesystem::remove_all(scratch, ignored);
  }
  RocksResources resources{kBytes, 1};
  std::filesystem::path scratch;
  std::string directory;
  std::unique_ptr<rocksdb::DB> rocks;
};

RocksStateReader::RocksStateReader(const std::filesystem::path& directory)
    : db_(std::make_unique<Database>()) {
  if (!std::filesystem::exists(directory / "CURRENT")) {
    throw Misconfigured("there is no state in " + directory.string());
  }
  db_->directory = directory.string();
  db_->scratch = make_scratch();
  rocksdb::Options options = db_->resources.options();
  options.max_open_files = -1;  // files that the owner has merged away stay readable
  rocksdb::DB* opened = nullptr;
  check(rocksdb::DB::OpenAsSecondary(options, db_->directory, db_->scratch.string(), &opened),
        "read state in " + db_->directory);
  db_->rocks.reset(opened);
}

RocksStateReader::~RocksStateReader() = default;

bool RocksStateReader::get(std::string_view key, std::string& value) const {
  const rocksdb::Status status = db_->rocks->Get({}, key, &value);
  if (status.IsNotFound()) return false;
  check_state(status, "read state in " + db_->directory);
  return true;
}

std::unique_ptr<StateCursor> RocksStateReader::scan(std::string_view from,
                                                    std::string_view to) const {
  return std::make_unique<RocksCursor>(*db_->rocks, from, to);
}

}  // namespace sluice
