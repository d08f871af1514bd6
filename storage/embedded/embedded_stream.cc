#include "storage/embedded/embedded_stream.h"

#include "storage/base/errors.h"

namespace sluice::embedded {

std::size_t Stream::index(Partition partition) const {
  if (partition.value < 0 || partition.value >= entry.partitions) {
    throw Misconfigured("stream " + name + " has no partition " + std::to_string(partition.value));
  }
  return static_cast<std::size_t>(partition.value);
}

std::string words_for(const Damage& damage, const Stream& stream, Partition partition,
                      const std::filesystem::path& folder) {
  const std::string where = "partition " + std::to_string(partition.value) + " of " + stream.name;
  const std::string offsets =
      std::to_string(damage.from.value) + ", " + std::to_string(damage.to.value);
  const std::string what =
      damage.to < damage.from
          ? "the log cannot tell where " + where + " ends, and it takes nothing more (" +
                damage.what
          : "the log cannot read offsets [" + offsets + ") of " + where + " (" + damage.what;
  return what + "). Other partitions go on. " + to_restore(folder);
}

std::string to_restore(const std::filesystem::path& folder) {
  return "Stop sluice, restore " + folder.string() + " from a copy that is whole, start again";
}

}  // namespace sluice::embedded
