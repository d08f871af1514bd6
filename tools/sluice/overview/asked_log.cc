#include "tools/sluice/overview/asked_log.h"

#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"

namespace sluice {

AskedLog::AskedLog(const LogOptions& options, const std::string& postgres)
    : log_(look_at_log(options)),
      topology_(log_->topology()),
      stands_(StandingViews(postgres).read()) {}

void AskedLog::complete(Answer& partitions, Answer& troubles) {
  const auto at = [&](const char* name) { return partitions.column(name); };
  const std::size_t projection_at = at("projection"), partition_at = at("partition"),
                    position_at = at("position"), end_at = at("log_end"), lag_at = at("lag"),
                    fresh_at = at("freshness_seconds"), owned_at = at("owned");
  seen_.clear();
  silent_ = false;
  for (auto& row : partitions.rows) {
    const std::string projection = row[projection_at].value();
    const auto seen = seen_.find(projection);
    const StreamSeen& stream =
        seen == seen_.end() ? seen_.emplace(projection, look(projection, troubles)).first->second
                            : seen->second;
    const Partition partition{static_cast<std::int32_t>(std::stol(row[partition_at].value()))};
    const auto found = stream.seen.find(partition);
    // An owner knows better: behind the last record that can be read there may be offsets that no
    // reader gets.
    if (found == stream.seen.end() || row[owned_at] == "t") continue;
    const std::int64_t position = std::stoll(row[position_at].value());
    const std::int64_t end = found->second.range.end.value;
    row[end_at] = std::to_string(end);
    row[lag_at] = std::to_string(end - position);
    // How much of a log that ends before its view this lacks nobody knows.
    if (end < position) row[lag_at].reset();
    if (end == position) row[fresh_at] = "0";
  }
}

StreamSeen AskedLog::look(const std::string& projection, Answer& troubles) {
  const auto trouble = [&](const std::string& text) {
    troubles.rows.push_back({projection, std::nullopt, text});
    return StreamSeen{};
  };
  if (silent_) return {};
  try {
    const StreamSeen seen = look_at(*topology_, stream_of(projection));
    const auto stand = stands_.find(projection);
    if (stand == stands_.end()) return seen;
    const auto wrong = mismatch(projection, stand->second, seen);
    if (!wrong) {
      for (const auto& [partition, why] : lost_tails(projection, stand->second, seen)) {
        troubles.rows.push_back({projection, std::to_string(partition.value), why});
      }
      return seen;
    }
    if (wrong->kind == LogMismatch::Kind::another_log) throw Misconfigured(wrong->text);
    return trouble(wrong->text);
  } catch (const Corrupt& failure) {
    return trouble(failure.what());
  } catch (const Retryable& failure) {
    // What the database knows is told all the same.
    silent_ = true;
    return trouble(std::string("the log does not answer: ") + failure.what());
  }
}

}  // namespace sluice
