#include "ingest/http/head_scanner.h"

#include "ingest/http/field_line.h"

namespace sluice::http {

HeadScanner::Found HeadScanner::scan(std::string_view bytes) {
  while (at_ < bytes.size() && !whole_) {
    const char c = bytes[at_++];
    if (after_carriage_return_) {
      if (c != '\n' || !end_line()) return Found::kMalformed;
    } else if (c == '\r') {
      after_carriage_return_ = true;
    } else if (is_control(c)) {
      return Found::kMalformed;
    } else {
      ++line_size_;
    }
  }
  return whole_ ? Found::kWhole : Found::kNeedMore;
}

bool HeadScanner::end_line() {
  after_carriage_return_ = false;
  if (line_size_ > 0) {
    line_size_ = 0;
    ++lines_;
    return true;
  }
  if (lines_ > 0) {
    whole_ = true;
    return true;
  }
  if (skipped_empty_line_) return false;
  skipped_empty_line_ = true;
  return true;
}

}  // namespace sluice::http
