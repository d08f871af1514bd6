#include "tools/sluice/node/streams.h"

#include <algorithm>
#include <utility>

#include "storage/base/errors.h"

namespace sluice {

Streams::Streams(Log& log, const std::string& postgres,
                 std::map<std::string, int, std::less<>> partitions)
    : topology_(log.topology()),
      settings_(log.settings()),
      views_(postgres.empty() ? nullptr : std::make_unique<StandingViews>(postgres)),
      watch_(std::move(partitions),
             {.topology = *topology_, .settings = settings_.get(), .views = views_.get()}) {}

Streams::~Streams() = default;

void Streams::make_missing(std::span<const Domain> own, int partitions) {
  const ViewStands stands = watch_.stands();
  for (const Domain& domain : domains()) {
    const std::string stream = stream_of(domain.name);
    // What cannot be read is not made anew.
    if (watch_.unreadable(domain.name)) continue;
    const auto stand = stands.find(domain.name);
    const bool has_views = stand != stands.end();
    if (const auto found = topology_->partitions(stream)) {
      if (has_views || *found == partitions) continue;
      if (std::ranges::find(own, domain.name, &Domain::name) == own.end()) continue;
      const std::string count = std::to_string(*found);
      throw Misconfigured(stream + " has " + count + " partitions: start with --partitions " +
                          count);
    }
    if (has_views && stand->second.stands()) continue;
    topology_->create(stream, has_views ? stand->second.partitions : partitions);
  }
}

void Streams::begin() {
  watching_ = std::jthread([this](const std::stop_token& stop) { watch_.run(stop); });
}

AppendedLog appended_log(LogWatch& watch) {
  return {.short_form =
              [&watch](std::string_view domain, Partition partition, Offset reached) {
                return watch.short_form(domain, partition, reached);
              },
          .failed = [&watch](std::string_view) { watch.look_soon(); }};
}

std::vector<std::string> joined(std::vector<std::string> some,
                                const std::vector<std::string>& more) {
  some.insert(some.end(), more.begin(), more.end());
  return some;
}

}  // namespace sluice
