#include "storage/kafka/statistics.h"

namespace sluice::kafka {

void Statistics::began(const void* client) {
  const MutexLock lock(mutex_);
  told_[client];
}

void Statistics::heard(const void* client, std::string_view json) {
  const MutexLock lock(mutex_);
  const auto found = told_.find(client);
  if (found != told_.end()) found->second = json;
}

void Statistics::ended(const void* client) {
  const MutexLock lock(mutex_);
  told_.erase(client);
}

std::vector<std::string> Statistics::all() const {
  const MutexLock lock(mutex_);
  std::vector<std::string> all;
  for (const auto& [client, json] : told_) {
    if (!json.empty()) all.push_back(json);
  }
  return all;
}

}  // namespace sluice::kafka
