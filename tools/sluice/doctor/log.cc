// The log, embedded or on Kafka, as this command reads it.

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/doctor/bounds.h"
#include "tools/sluice/doctor/log_findings.h"
#include "tools/sluice/doctor/way_out.h"
#include "tools/sluice/node/log_check.h"
#include "tools/sluice/node/view_stand.h"

namespace sluice {
namespace {

// An owner that meets what we do says so itself.
bool told_of(const std::string& projection, const Diagnosis& diagnosis) {
  return std::ranges::any_of(diagnosis.findings, [&](const Finding& each) {
    return each.code == "standing_still" && each.what.starts_with(projection + " ");
  });
}

void add_standing(const std::string& projection, std::optional<Partition> partition,
                  const std::string& why, const Place& place, Diagnosis& diagnosis) {
  JsonWriter evidence;
  evidence.begin_object().field("projection", projection).name("partition");
  partition ? evidence.number(partition->value) : evidence.null();
  evidence.field("trouble", why).end_object();
  diagnosis.findings.push_back({.code = "standing_still",
                                .what = projection + " cannot go on: " + why,
                                .evidence = evidence.take(),
                                .since = std::nullopt,
                                .next = way_out({why, {}, {}}, place)});
}

// Records before the first are gone: what a view has of them cannot be folded anew.
void find_lost_beginning(const StreamSeen& seen, const std::string& list, Diagnosis& diagnosis) {
  JsonWriter partitions;
  partitions.begin_array();
  std::size_t lost = 0;
  for (const auto& [partition, found] : seen.seen) {
    if (found.range.begin == Offset{0}) continue;
    ++lost;
    partitions.begin_object().field("partition", partition.value);
    partitions.field("begin", found.range.begin.value).end_object();
  }
  if (lost == 0) return;
  JsonWriter evidence;
  evidence.begin_object().field("topic", seen.stream);
  evidence.name("partitions").json(partitions.end_array().take()).end_object();
  diagnosis.findings.push_back(
      {.code = "retention",
       .what = "Of " + seen.stream + " the first records of " + std::to_string(lost) +
               " partitions are gone: no view can be folded anew from its beginning",
       .evidence = evidence.take(),
       .since = std::nullopt,
       .next = list});
}

// Whether the log has more than the view.
bool has_more(const ViewStand& stand, const StreamSeen& seen) {
  return std::ranges::any_of(seen.seen, [&](const auto& each) {
    const auto known = stand.positions.find(each.first);
    const Offset position = known == stand.positions.end() ? Offset{0} : known->second.position;
    return each.second.range.end > position;
  });
}

}  // namespace

ExaminedLog::ExaminedLog(const LogOptions& options, std::string postgres)
    : options_(options), postgres_(std::move(postgres)), log_(look_at_log(options)) {}

std::vector<std::string> ExaminedLog::find(const Scope& scope, Diagnosis& diagnosis) {
  find_disk(diagnosis);
  std::vector<std::string> waiting;
  for (const std::string& projection : scope.projections) {
    if (silent_) break;
    try {
      if (find_in_stream(projection, scope.place, diagnosis)) waiting.push_back(projection);
    } catch (const Corrupt& damage) {
      if (told_of(projection, diagnosis)) continue;
      add_standing(projection, std::nullopt, damage.what(), scope.place, diagnosis);
    }
  }
  return waiting;
}

// Where no process runs, none tells of it.
void ExaminedLog::find_disk(Diagnosis& diagnosis) const {
  if (options_.data.empty() || diagnosis.has("disk")) return;
  std::error_code failure;
  const auto space = std::filesystem::space(options_.data, failure);
  if (failure || !nearly_full(space.available, space.capacity)) return;
  JsonWriter evidence;
  evidence.begin_object().field("path", options_.data).field("free_bytes", space.available);
  evidence.field("bytes", space.capacity).end_object();
  diagnosis.findings.push_back({.code = "disk",
                                .what = "The disk of " + options_.data + " has " +
                                        std::to_string(space.available >> 20) + " MiB left of " +
                                        std::to_string(space.capacity >> 20),
                                .evidence = evidence.take(),
                                .since = std::nullopt,
                                .next = "df -h " + shell_word(options_.data)});
}

template <class Question>
bool ExaminedLog::answers(std::initializer_list<const char*> codes, Diagnosis& diagnosis,
                          Question question) {
  try {
    question();
    return true;
  } catch (const Retryable& silent) {
    for (const char* code : codes) {
      diagnosis.skipped.push_back({code, std::string("the log does not answer: ") + silent.what()});
    }
    silent_ = true;
    return false;
  }
}

bool ExaminedLog::find_in_stream(const std::string& projection, const Place& place,
                                 Diagnosis& diagnosis) {
  const std::string stream = stream_of(projection);
  // Views first: what comes meanwhile is in the log, too.
  const ViewStands stands = StandingViews(postgres_).read();
  StreamSeen seen;
  // Any broker knows of copies; of its records only the one that leads the partition.
  if (!answers({"isr", "retention"}, diagnosis, [&] { find_replicas(stream, diagnosis); }) ||
      !answers({"retention"}, diagnosis, [&] {
        find_settings(stream, diagnosis);
        seen = look_at(*log_->quick_topology(), stream);
      })) {
    return false;
  }
  find_lost_beginning(seen, "sluice topics list" + place.log, diagnosis);
  const auto stand = stands.find(projection);
  if (stand == stands.end()) return false;
  const auto wrong = mismatch(projection, stand->second, seen);
  if (wrong && wrong->kind == LogMismatch::Kind::another_log) throw Misconfigured(wrong->text);
  if (told_of(projection, diagnosis)) return has_more(stand->second, seen);
  if (wrong) add_standing(projection, std::nullopt, wrong->text, place, diagnosis);
  for (const auto& [partition, why] : lost_tails(projection, stand->second, seen)) {
    add_standing(projection, partition, why, place, diagnosis);
  }
  return has_more(stand->second, seen);
}

void ExaminedLog::find_settings(const std::string& stream, Diagnosis& diagnosis) {
  const auto settings = log_->settings();
  if (!settings) return;
  try {
    judge_settings(stream, settings->faults(stream), options_.brokers, diagnosis);
  } catch (const Misconfigured& refusal) {
    diagnosis.skipped.push_back({"retention", refusal.what()});
  }
}

void ExaminedLog::find_replicas(const std::string& stream, Diagnosis& diagnosis) {
  const auto cluster = log_->quick_cluster();
  if (!cluster) return;
  if (const auto seen = cluster->replicas(stream)) {
    judge_replicas(stream, *seen, options_.brokers, diagnosis);
  }
}

}  // namespace sluice
