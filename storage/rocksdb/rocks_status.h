#pragma once

#include <rocksdb/status.h>

#include <string_view>

namespace sluice {

// Returns on success, else throws what the caller is to do: Corrupt when stored bytes contradict
// themselves or a file is missing; Misconfigured when another process has the folder or the request
// cannot be served; Retryable for all else (disk full, I/O). NotFound is a value, not a failure,
// and must not come here. `doing` names the action and the folder.
void check(const rocksdb::Status& status, std::string_view doing);

// The same of a partition's state that is open: DamagedState in the place of Corrupt.
void check_state(const rocksdb::Status& status, std::string_view doing);

}  // namespace sluice
