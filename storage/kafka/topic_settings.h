#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/stream_settings.h"

namespace sluice::kafka {

// As NewTopic and AlterConfigs take them.
using TopicSettings = std::map<std::string, std::string, std::less<>>;

// What a topic of ours is made with. Retention is unlimited: the log is the truth that everything
// else is rebuilt from.
[[nodiscard]] const TopicSettings& settings_of_new_topics();

// What of a topic's settings is not as it must be.
[[nodiscard]] std::vector<SettingFault> faults_of(const TopicSettings& settings,
                                                  int replication_factor);

}  // namespace sluice::kafka
