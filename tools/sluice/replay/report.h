#pragma once

// What `sluice replay` answers: its JSON, whose names scripts rely on.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/fold/key_refold.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/key_rows.h"

namespace sluice {

struct ReplayReport {
  std::string key;
  Partition partition;
  Offset as_of;
  std::int64_t records = 0;
  bool index = true;
  std::map<std::string, std::vector<std::string>> tables;  // rows as JSON
  std::vector<Rejection> rejections;
  std::optional<std::vector<KeyDifference>> differences;  // nullopt: nobody asked, as the next
  std::optional<std::vector<KeyStep>> steps;
  std::vector<KeyChange> changes;  // of the steps, in their order
  std::optional<std::string> token;
};

// "differences": [{"table", "key", "column", "expected", "found"}], into an object.
void write_differences(JsonWriter& json, const std::vector<KeyDifference>& differences);

[[nodiscard]] std::string json_of(const ReplayReport& report);

}  // namespace sluice
