#include "storage/rocksdb/manifest_note.h"

#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <system_error>

#include "storage/base/errors.h"

namespace sluice {
namespace {

struct Manifest {
  std::string name;
  std::uint64_t bytes = 0;
};

// By their numbers, which have six digits, or more once six are too few.
bool is_older(const std::string& name, const std::string& than) {
  return name.size() != than.size() ? name.size() < than.size() : name < than;
}

std::filesystem::path note_in(const std::filesystem::path& directory) {
  return directory / "manifest_note";
}

std::optional<Manifest> noted(const std::filesystem::path& directory) {
  Manifest manifest;
  std::ifstream note(note_in(directory));
  if (!(note >> manifest.name >> manifest.bytes)) return std::nullopt;
  return manifest;
}

std::optional<Manifest> current(const std::filesystem::path& directory) {
  Manifest manifest;
  if (!(std::ifstream(directory / "CURRENT") >> manifest.name)) return std::nullopt;
  std::error_code none;
  const auto bytes = std::filesystem::file_size(directory / manifest.name, none);
  if (!none) manifest.bytes = bytes;
  return manifest;
}

}  // namespace

void ManifestNote::require_whole() const {
  const auto before = noted(directory_);
  const auto now = current(directory_);
  if (!before || !now || is_older(before->name, now->name)) return;
  if (now->name == before->name && now->bytes >= before->bytes) return;
  throw Corrupt("the list of tables in " + directory_.string() + " lacks its end: " + before->name +
                " was " + std::to_string(before->bytes) + " bytes long, and " + now->name +
                ", which CURRENT names, is " + std::to_string(now->bytes));
}

void ManifestNote::write() {
  const MutexLock lock(writing_);
  const auto now = current(directory_);
  if (!now) return;
  const std::filesystem::path note = note_in(directory_);
  std::filesystem::path fresh = note;
  fresh += ".new";
  {
    std::ofstream file(fresh, std::ios::trunc);
    file << now->name << ' ' << now->bytes << '\n';
    if (!file.flush()) return;
  }
  std::error_code kept_the_old;
  std::filesystem::rename(fresh, note, kept_the_old);
}

}  // namespace sluice
