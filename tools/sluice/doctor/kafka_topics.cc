// Topics: how many copies there are, and what takes records out of them.

#include <algorithm>

#include "storage/base/json_writer.h"
#include "tools/sluice/doctor/log_findings.h"

namespace sluice {
namespace {

// Of the settings those by which records go. The others of a topic are the start's to warn of.
bool deletes(const SettingFault& fault) {
  return fault.setting == "cleanup.policy" || fault.setting.starts_with("retention.");
}

}  // namespace

void judge_replicas(const std::string& stream, const std::vector<ReplicasSeen>& seen,
                    const std::string& brokers, Diagnosis& diagnosis) {
  JsonWriter partitions;
  partitions.begin_array();
  std::size_t short_of = 0;
  std::size_t unserved = 0;
  for (const ReplicasSeen& each : seen) {
    if (each.served && each.in_sync >= each.replicas) continue;
    ++short_of;
    if (!each.served) ++unserved;
    partitions.begin_object().field("partition", each.partition.value);
    partitions.field("served", each.served).field("replicas", each.replicas);
    partitions.field("in_sync", each.in_sync).end_object();
  }
  if (short_of == 0) return;
  JsonWriter evidence;
  evidence.begin_object().field("topic", stream);
  evidence.name("partitions").json(partitions.end_array().take()).end_object();
  diagnosis.findings.push_back({.code = "isr",
                                .what = "Of " + stream + " " + std::to_string(short_of) + " of " +
                                        std::to_string(seen.size()) +
                                        " partitions have fewer copies in sync than they are "
                                        "to have" +
                                        (unserved == 0 ? std::string()
                                                       : ", and " + std::to_string(unserved) +
                                                             " no leader: they are neither "
                                                             "read nor appended to") +
                                        ": a broker is away or does not come after",
                                .evidence = evidence.take(),
                                .since = std::nullopt,
                                .next = "kafka-topics.sh --bootstrap-server " +
                                        shell_word(brokers) +
                                        " --describe --under-replicated-partitions"});
}

void judge_settings(const std::string& stream, const std::vector<SettingFault>& faults,
                    const std::string& brokers, Diagnosis& diagnosis) {
  for (const SettingFault& fault : faults) {
    if (!deletes(fault)) continue;
    JsonWriter evidence;
    evidence.begin_object().field("topic", stream).field("setting", fault.setting);
    evidence.field("value", fault.value).field("wanted", fault.wanted).end_object();
    diagnosis.findings.push_back({.code = "retention",
                                  .what = "Of the topic " + stream + " " + describe(fault),
                                  .evidence = evidence.take(),
                                  .since = std::nullopt,
                                  .next = "sluice topics apply --brokers " + shell_word(brokers)});
  }
}

}  // namespace sluice
