// Topics' settings, on a real broker; and the rules about them, on none.

#include <algorithm>

#include "storage/base/errors.h"
#include "storage/kafka/topic_settings.h"
#include "tests/contract/log_reading.h"
#include "tests/integration/kafka_fixture.h"
#include "tests/support/eventually.h"
#include "tests/support/topic_changes.h"

namespace sluice::testing {
namespace {

using kafka::faults_of;
using kafka::TopicSettings;

std::vector<std::string> names_of(const std::vector<SettingFault>& faults) {
  std::vector<std::string> names;
  for (const SettingFault& fault : faults) names.push_back(fault.setting);
  std::ranges::sort(names);
  return names;
}

TopicSettings sound(const std::string& setting = {}, const std::string& value = {}) {
  TopicSettings settings = kafka::settings_of_new_topics();
  settings["min.insync.replicas"] = "2";
  if (!setting.empty()) settings[setting] = value;
  return settings;
}

}  // namespace

TEST_CASE("settings that lose records are told from those that only warn") {
  CHECK(faults_of(sound(), 3).empty());
  const auto one = [](const std::string& setting, const std::string& value, int replicas = 3) {
    const auto faults = faults_of(sound(setting, value), replicas);
    REQUIRE(faults.size() == 1);
    CHECK(faults.front().setting == setting);
    CHECK(faults.front().value == value);
    CHECK_FALSE(faults.front().why.empty());
    return faults.front();
  };
  for (const auto& [setting, value] : TopicSettings{{"cleanup.policy", "compact"},
                                                    {"retention.ms", "604800000"},
                                                    {"retention.bytes", "1073741824"},
                                                    {"message.timestamp.type", "CreateTime"}}) {
    const SettingFault fault = one(setting, value);
    CHECK(fault.loses);
    CHECK(fault.wanted == sound().find(setting)->second);
  }
  CHECK(one("cleanup.policy", "compact,delete").loses);
  CHECK_FALSE(one("unclean.leader.election.enable", "true").loses);
  CHECK_FALSE(one("max.message.bytes", "1048588").loses);
  CHECK(one("min.insync.replicas", "1").wanted.empty());
  CHECK_FALSE(one("min.insync.replicas", "4").loses);
  CHECK(faults_of(sound("min.insync.replicas", "1"), 1).empty());
  CHECK(faults_of(sound("max.message.bytes", "5000000"), 3).empty());
}

TEST_CASE("a topic that was set wrong is told, and set right without a change of anything else") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string stream = new_stream(*kafka.topology, 2);
  const auto settings = kafka.log.settings();
  CHECK(settings->faults(stream).empty());
  const std::string brokers = shared_broker().bootstrap();
  const auto heard = [&](const std::vector<std::string>& names) {
    return eventually([&] { return names_of(settings->faults(stream)) == names; });
  };
  set_topic(brokers, stream, "cleanup.policy", "compact");
  set_topic(brokers, stream, "retention.ms", "1000");
  CHECK(heard({"cleanup.policy", "retention.ms"}));
  set_topic(brokers, stream, "message.timestamp.type", "CreateTime");
  CHECK(heard({"cleanup.policy", "message.timestamp.type", "retention.ms"}));

  // What is not asked for stays as it is: Kafka would take it back to the default.
  std::vector<SettingFault> some = settings->faults(stream);
  std::erase_if(some, [](const SettingFault& fault) { return fault.setting == "retention.ms"; });
  settings->mend(stream, some);
  CHECK(heard({"retention.ms"}));
  CHECK(settings->faults(stream).front().value == "1000");
  CHECK(describe(settings->faults(stream).front()).starts_with("retention.ms is 1000: "));
  settings->mend(stream, settings->faults(stream));
  CHECK(heard({}));
}

TEST_CASE("settings of a topic that is not there are refused by name") {
  if (!kafka_or_skip()) return;
  KafkaFixture kafka(shared_broker());
  const std::string missing = unique_stream();
  CHECK_THROWS_WITH(kafka.log.settings()->faults(missing), Catch::Contains(missing));
}

}  // namespace sluice::testing
