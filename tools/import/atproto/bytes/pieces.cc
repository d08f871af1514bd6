#include "tools/import/atproto/bytes/pieces.h"

#include <algorithm>

namespace sluice::atproto {
namespace {

constexpr std::size_t kPart = 256 * 1024;

}  // namespace

bool Pieces::fill(std::size_t size) {
  while (end_ - begin_ < size && !ended_) {
    if (buffer_.size() - end_ < kPart) make_room();
    const std::size_t got = source_(buffer_.data() + end_, buffer_.size() - end_);
    end_ += got;
    ended_ = got == 0;
  }
  return end_ - begin_ >= size;
}

// Grows by what has come, whatever number was claimed.
void Pieces::make_room() {
  std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
            buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
  end_ -= begin_;
  begin_ = 0;
  if (buffer_.size() - end_ < kPart) buffer_.resize(2 * end_ + 2 * kPart);
}

std::string_view Pieces::rest() const {
  return std::string_view(buffer_).substr(begin_, end_ - begin_);
}

std::string_view Pieces::take(std::size_t size) {
  const std::string_view taken = rest().substr(0, size);
  begin_ += taken.size();
  consumed_ += taken.size();
  return taken;
}

std::optional<std::string_view> Pieces::exactly(std::size_t size) {
  if (!fill(size)) {
    (void)take(rest().size());
    return std::nullopt;
  }
  at_ = consumed_;
  return take(size);
}

std::optional<std::string_view> Pieces::frame(std::size_t limit) {
  at_ = consumed_;
  if (fault_ || !fill(1)) return std::nullopt;
  if (!fill(4)) {
    fault_ = Fault{at_, "ends inside a frame's length"};
    return std::nullopt;
  }
  std::size_t size = 0;
  const std::string_view length = take(4);
  for (std::size_t i = 4; i-- > 0;) size = size << 8 | static_cast<unsigned char>(length[i]);
  if (size > limit) {
    fault_ = Fault{at_, "a frame beyond the limit"};
  } else if (!fill(size)) {
    fault_ = Fault{at_, "ends inside a frame"};
  }
  if (fault_) return std::nullopt;
  return take(size);
}

std::string_view Pieces::overlong_line(std::size_t limit) {
  overlong_ = take(limit);
  too_long_ = true;
  do {
    const auto end = rest().find('\n');
    if (end != std::string_view::npos) {
      (void)take(end + 1);
      break;
    }
    (void)take(rest().size());
  } while (fill(1));
  return overlong_;
}

std::optional<std::string_view> Pieces::line(std::size_t limit) {
  at_ = consumed_;
  too_long_ = false;
  std::size_t searched = 0;
  while (fill(searched + 1)) {
    const auto end = rest().find('\n', searched);
    if (end != std::string_view::npos) {
      searched = end;
      break;
    }
    searched = rest().size();
    if (searched > limit + 1) return overlong_line(limit);
  }
  if (searched == 0 && !fill(1)) return std::nullopt;
  std::string_view line = take(searched);
  (void)take(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  too_long_ = line.size() > limit;
  return line.substr(0, limit);
}

}  // namespace sluice::atproto
