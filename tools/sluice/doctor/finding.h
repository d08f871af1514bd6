#pragma once

// What `sluice doctor` says.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Something that makes a system slow, or will, with what a person needs to see and to do about it.
struct Finding {
  std::string code;                  // as docs/operate.md lists it
  std::string what;                  // one sentence
  std::string evidence;              // a JSON object
  std::optional<std::string> since;  // RFC 3339; nullopt: not known
  std::string next;                  // a command
};

// What could not be asked, and why.
struct Skipped {
  std::string code;
  std::string why;
};

struct Diagnosis {
  std::vector<Finding> findings;
  std::vector<Skipped> skipped;
  std::string note;  // for people, of the commands; "": none

  [[nodiscard]] bool has(std::string_view code) const;
  // A process that is gone or hangs is no consequence of anything here; locks that its sessions
  // keep, and partitions that stand still, are its.
  void put_first(std::string_view code);
  // {"findings":[...],"skipped":[...]}
  [[nodiscard]] std::string json() const;
  // For people: a paragraph each.
  [[nodiscard]] std::string text() const;
};

// For a command that a shell runs: one word, whatever is in it.
[[nodiscard]] std::string shell_word(std::string_view text);

}  // namespace sluice
