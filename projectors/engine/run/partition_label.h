#pragma once

#include <string>
#include <string_view>

#include "storage/base/position.h"

namespace sluice {

// A partition's name, for people and in metrics: "deliberation:3"; of a generation that readers do
// not see "deliberation.g2:3".
[[nodiscard]] inline std::string partition_label(std::string_view projection, int generation,
                                                 bool live, Partition partition) {
  return std::string(projection) + (live ? "" : ".g" + std::to_string(generation)) + ":" +
         std::to_string(partition.value);
}

}  // namespace sluice
