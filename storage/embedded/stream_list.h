#pragma once

// The streams of an EmbeddedLog once more, in a small file beside its database: a damaged block
// there that has them among its records would take every partition with it.

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "storage/base/log_identity.h"
#include "storage/embedded/embedded_format.h"

namespace sluice::embedded {

struct StreamList {
  std::optional<LogIdentity> identity;
  std::map<std::string, StreamEntry, std::less<>> streams;
  friend bool operator==(const StreamList&, const StreamList&) = default;
};

// nullopt: there is no list, or it is not whole.
[[nodiscard]] std::optional<StreamList> read_stream_list(const std::filesystem::path& directory);

// All of it or nothing, also where the machine dies. Throws Retryable.
void write_stream_list(const std::filesystem::path& directory, const StreamList& list);

}  // namespace sluice::embedded
