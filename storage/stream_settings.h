#pragma once

// What a log lets operators set of a stream, where that can cost records. Only logs that are shared
// with others have such settings: Kafka's topics.

#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// One setting of a stream that is not as correctness, or what ingest admits, needs it.
struct SettingFault {
  std::string setting;  // by the log's own name for it: "retention.ms"
  std::string value;
  std::string wanted;  // what `mend` sets it to; empty: a person must decide
  std::string why;     // what goes wrong with the value, for people
  bool loses = false;  // records are lost, rewritten or cannot be folded: refused at a start
  friend bool operator==(const SettingFault&, const SettingFault&) = default;
};

// "retention.ms is 1000: ...", for people.
[[nodiscard]] std::string describe(const SettingFault& fault);

// Any thread, one at a time.
class StreamSettings {
 public:
  virtual ~StreamSettings() = default;

  // What is wrong with a stream that there is. Throws Retryable when the log does not tell in time,
  // Misconfigured when it may not be asked.
  virtual std::vector<SettingFault> faults(std::string_view stream) = 0;

  // Sets what the faults want, and leaves every other setting as it is.
  virtual void mend(std::string_view stream, const std::vector<SettingFault>& faults) = 0;
};

}  // namespace sluice
