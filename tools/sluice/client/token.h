#pragma once

// Tokens of read-your-writes: "deliberation~k3f9q2:3@812,people~k3f9q2:0@17", that is domain, short
// form of the log's identity, partition and position. Older ones have no identity. Producers pass
// them on unread; a producer of several requests joins their tokens into one.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

class Token {
 public:
  // Adds what `text` asks for: of one partition the greatest position counts. The empty text asks
  // for nothing. Misconfigured when it is no token.
  void add(std::string_view text);

  // Whose positions it asks for, each once, in order.
  [[nodiscard]] std::vector<std::string> domains() const;

  struct Place {
    std::string domain;
    std::string log;  // its short form; empty: the token does not say
    std::int32_t partition = 0;
    std::int64_t position = 0;
  };
  // In the order of domain, log and partition, as the text.
  [[nodiscard]] std::vector<Place> places() const;

  [[nodiscard]] std::string text() const;

 private:
  // By domain with its log, and partition.
  std::map<std::pair<std::string, std::int32_t>, std::int64_t> positions_;
};

}  // namespace sluice
