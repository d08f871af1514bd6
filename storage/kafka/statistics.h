#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/mutex.h"

namespace sluice::kafka {

// What librdkafka told last of each client that is there: JSON, as its STATISTICS.md has it. Any
// thread.
class Statistics {
 public:
  void began(const void* client);
  // Of one that is not there any more: nothing.
  void heard(const void* client, std::string_view json);
  void ended(const void* client);

  // Of clients that have told something.
  [[nodiscard]] std::vector<std::string> all() const;

 private:
  mutable Mutex mutex_;
  std::map<const void*, std::string> told_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice::kafka
