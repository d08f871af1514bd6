#include "storage/kafka/topic_settings.h"

#include <cstdint>
#include <cstdlib>

namespace sluice::kafka {
namespace {

// An event may have 512 KiB as JSON and is stored as protobuf; quarantine and envelopes add to it.
constexpr const char* kMaxMessageBytes = "2097152";

struct Rule {
  std::string_view setting;
  bool loses;
  const char* why;
};

// Of settings that have one right value, which new topics have.
constexpr Rule kRules[] = {
    {"cleanup.policy", true, "compaction takes records out of the log that views are folded from"},
    {"retention.ms", true, "records that views are folded from are deleted by age"},
    {"retention.bytes", true, "records that views are folded from are deleted by size"},
    {"message.timestamp.type", true,
     "records are stamped by producers, and those wait for a person instead of being folded"},
    {"unclean.leader.election.enable", false,
     "a replica that lacks acknowledged records may become the leader"}};

std::int64_t number(std::string_view text) {
  return std::strtoll(std::string(text).c_str(), nullptr, 10);
}

void add_replicas(const TopicSettings& settings, int replication_factor,
                  std::vector<SettingFault>& faults) {
  const auto found = settings.find("min.insync.replicas");
  if (found == settings.end()) return;
  const std::int64_t least = number(found->second);
  const std::string replicas = std::to_string(replication_factor) + " replicas";
  if (least == 1 && replication_factor > 1) {
    faults.push_back(
        {found->first, found->second, "",
         "of " + replicas + " one alone may acknowledge what is lost with it: set 2 or more",
         false});
  }
  if (least > replication_factor) {
    faults.push_back({found->first, found->second, "",
                      "with " + replicas + " nothing can be appended: set fewer, or add replicas",
                      false});
  }
}

}  // namespace

const TopicSettings& settings_of_new_topics() {
  static const TopicSettings settings{{"message.timestamp.type", "LogAppendTime"},
                                      {"cleanup.policy", "delete"},
                                      {"retention.ms", "-1"},
                                      {"retention.bytes", "-1"},
                                      {"unclean.leader.election.enable", "false"},
                                      {"max.message.bytes", kMaxMessageBytes}};
  return settings;
}

std::vector<SettingFault> faults_of(const TopicSettings& settings, int replication_factor) {
  std::vector<SettingFault> faults;
  for (const Rule& rule : kRules) {
    const auto found = settings.find(rule.setting);
    const std::string& wanted = settings_of_new_topics().find(rule.setting)->second;
    if (found == settings.end() || found->second == wanted) continue;
    faults.push_back({found->first, found->second, wanted, rule.why, rule.loses});
  }
  const auto largest = settings.find("max.message.bytes");
  if (largest != settings.end() && number(largest->second) < number(kMaxMessageBytes)) {
    faults.push_back({largest->first, largest->second, kMaxMessageBytes,
                      "events that ingest admits may be larger, and are refused with 413", false});
  }
  add_replicas(settings, replication_factor, faults);
  return faults;
}

}  // namespace sluice::kafka
