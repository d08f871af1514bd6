#pragma once

#include <cstddef>
#include <string_view>

namespace sluice::http {

// Finds where a head ends while its bytes arrive, each looked at once. Control characters and bare
// line ends are seen at once: who sends them would otherwise wait for the request timeout.
class HeadScanner {
 public:
  enum class Found { kNeedMore, kWhole, kMalformed };

  // `bytes` starts where the request starts, and only ever grows between calls.
  Found scan(std::string_view bytes);

  // Of the head, with its CRLFCRLF, after kWhole.
  std::size_t size() const { return at_; }

  // False while nothing came but the one empty line that may stand before a request.
  bool started() const { return line_size_ > 0 || lines_ > 0; }

  void reset() { *this = HeadScanner(); }

 private:
  bool end_line();

  std::size_t at_ = 0;
  std::size_t line_size_ = 0;
  std::size_t lines_ = 0;
  bool skipped_empty_line_ = false;
  bool after_carriage_return_ = false;
  bool whole_ = false;
};

}  // namespace sluice::http
