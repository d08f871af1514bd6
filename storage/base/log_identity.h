#pragma once

// What tells one log from every other that there ever was, whatever both are called.

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "storage/event_log.h"

namespace sluice {

// Of one partition: 13 characters of a-z and 0-9, the same as long as the partition is the same,
// and others for a partition of another log or of a stream that was deleted and made anew.
struct LogIdentity {
  std::string text;
  // What tokens carry of it.
  [[nodiscard]] std::string_view short_form() const { return std::string_view(text).substr(0, 6); }
  friend auto operator<=>(const LogIdentity&, const LogIdentity&) = default;
};

// One that no other log has.
[[nodiscard]] LogIdentity random_identity();

// nullopt: the text is none.
[[nodiscard]] std::optional<LogIdentity> parse_identity(std::string_view text);

// Of a partition that has no name of its own, told by its first record, which stays while the log
// keeps everything. `log` names the log that has the stream.
[[nodiscard]] LogIdentity identity_of(std::string_view log, std::string_view stream,
                                      const LogRecord& first);

}  // namespace sluice
