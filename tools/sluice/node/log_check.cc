#include "tools/sluice/node/log_check.h"

#include <algorithm>

#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr std::string_view kWaysOn = " (docs/start_checks.md has the ways on)";

std::string fold_anew(std::string_view projection) {
  return "let `sluice schema apply --refold " + std::string(projection) +
         "` fold anew what there is" + std::string(kWaysOn);
}

std::string text(std::int64_t number) { return std::to_string(number); }

std::optional<LogMismatch> check_partition(std::string_view projection, const StreamSeen& seen,
                                           Partition partition, const ViewPosition& view,
                                           const StreamSeen::Seen& found) {
  const std::string which = seen.stream + "/" + text(partition.value);
  if (view.log && found.identity && view.log != found.identity) {
    return LogMismatch{LogMismatch::Kind::made_anew,
                       which + " was deleted and made anew: its views stand on the log " +
                           std::string(view.log->short_form()) + ", and it is now " +
                           std::string(found.identity->short_form()) +
                           ". Restore its records, or " + fold_anew(projection)};
  }
  if (found.range.end == Offset{0} && view.position > Offset{0}) {
    return LogMismatch{LogMismatch::Kind::made_anew,
                       which + " is empty, and its views were folded up to " +
                           text(view.position.value) +
                           ": it was deleted and made anew, or has lost everything. Restore its "
                           "records, or " +
                           fold_anew(projection)};
  }
  return std::nullopt;
}

}  // namespace

StreamSeen look_at(LogTopology& topology, const std::string& stream) {
  StreamSeen seen{topology.name(), stream, topology.partitions(stream), {}};
  for (int p = 0; p < seen.partitions.value_or(0); ++p) {
    try {
      seen.seen[Partition{p}] = {topology.range(stream, Partition{p}),
                                 topology.identity(stream, Partition{p})};
    } catch (const Corrupt&) {
      // Its worker stops for it and says so, and posts to it fail one by one.
      seen.seen.erase(Partition{p});
    }
  }
  return seen;
}

std::optional<LogMismatch> mismatch(std::string_view projection, const ViewStand& stand,
                                    const StreamSeen& seen) {
  using enum LogMismatch::Kind;
  const std::string views = "the views of " + std::string(projection);
  if (!stand.log.empty() && stand.log != seen.log) {
    return LogMismatch{another_log,
                       views + " in this database stand on the log " + stand.log +
                           ", and this is the log " + seen.log +
                           ": name another database by --postgres, or the log of before" +
                           std::string(kWaysOn)};
  }
  if (!seen.partitions) {
    if (!stand.stands()) return std::nullopt;
    return LogMismatch{gone, seen.stream + " is gone, and " + views +
                                 " were folded from it. Restore it, or make it anew and " +
                                 fold_anew(projection)};
  }
  if (*seen.partitions != stand.partitions) {
    return LogMismatch{
        partitions, seen.stream + " has " + text(*seen.partitions) + " partitions, and " + views +
                        " were made for " + text(stand.partitions) +
                        ": keys would move. Give it as many as before" + std::string(kWaysOn)};
  }
  for (const auto& [partition, view] : stand.positions) {
    const auto found = seen.seen.find(partition);
    if (found == seen.seen.end()) continue;
    if (auto wrong = check_partition(projection, seen, partition, view, found->second))
      return wrong;
  }
  return std::nullopt;
}

std::string other_than_told(std::string_view projection, int told, const StreamSeen& seen) {
  const std::string found = text(seen.partitions.value_or(0));
  return seen.stream + " has " + found + " partitions, and --partitions says that the views of " +
         std::string(projection) + " were made for " + text(told) +
         ": keys would move. If they were, give it as many as before" + std::string(kWaysOn) +
         "; else start with --partitions " + found;
}

std::map<Partition, std::string> lost_tails(std::string_view projection, const ViewStand& stand,
                                            const StreamSeen& seen) {
  std::map<Partition, std::string> lost;
  for (const auto& [partition, view] : stand.positions) {
    const auto found = seen.seen.find(partition);
    if (found == seen.seen.end() || found->second.range.end >= view.position) continue;
    lost[partition] = seen.stream + "/" + text(partition.value) + " ends at " +
                      text(found->second.range.end.value) + ", and its view was folded up to " +
                      text(view.position.value) +
                      ": the log lost its tail, or was restored from an older copy. Restore it, "
                      "or " +
                      fold_anew(projection);
  }
  return lost;
}

bool may_bind(const ViewStand& stand, const StreamSeen& seen) {
  if (!stand.log.empty()) return false;
  if (!stand.stands()) return true;
  return std::ranges::any_of(stand.positions, [&](const auto& each) {
    const auto found = seen.seen.find(each.first);
    return each.second.log && found != seen.seen.end() && found->second.identity == each.second.log;
  });
}

}  // namespace sluice
