#include "ingest/timestamp.h"

namespace sluice {
namespace {

// Takes characters off the front of a text; after the first thing that does not fit, ok() is false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  int digits(std::size_t count) {
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
        ok_ = false;
        return 0;
      }
      number = number * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return number;
  }

  void one_of(std::string_view accepted) {
    if (rest_.empty() || accepted.find(rest_.front()) == std::string_view::npos) {
      ok_ = false;
    } else {
      rest_.remove_prefix(1);
    }
  }

  bool skip(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  // The fraction's first three digits as milliseconds; the others are passed over.
  int fraction() {
    int milliseconds = digits(1) * 100;
    int place = 10;
    while (!rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9') {
      milliseconds += (rest_.front() - '0') * place;
      place /= 10;
      rest_.remove_prefix(1);
    }
    return milliseconds;
  }

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::optional<Time> parse_timestamp(std::string_view text) {
  using namespace std::chrono;
  Scanner scanner(text);
  const int y = scanner.digits(4);
  scanner.one_of("-");
  const int m = scanner.digits(2);
  scanner.one_of("-");
  const int d = scanner.digits(2);
  scanner.one_of("Tt");
  const int hour = scanner.digits(2);
  scanner.one_of(":");
  const int minute = scanner.digits(2);
  scanner.one_of(":");
  const int second = scanner.digits(2);
  const int fraction = scanner.skip('.') ? scanner.fraction() : 0;

  minutes offset{0};
  const bool utc = scanner.skip('Z') || scanner.skip('z');
  if (!utc) {
    const bool west = scanner.skip('-');
    if (!west) scanner.one_of("+");
    const int offset_hour = scanner.digits(2);
    scanner.one_of(":");
    const int offset_minute = scanner.digits(2);
    if (offset_hour > 23 || offset_minute > 59) return std::nullopt;
    offset = hours{offset_hour} + minutes{offset_minute};
    if (west) offset = -offset;
  }

  const year_month_day date{year{y}, month{static_cast<unsigned>(m)},
                            day{static_cast<unsigned>(d)}};
  if (!scanner.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 60) {
    return std::nullopt;
  }
  const Time time{sys_days{date} + hours{hour} + minutes{minute} + seconds{second} +
                  milliseconds{fraction} - offset};
  // A leap second is the last of a UTC day.
  if (second == 60 && floor<seconds>(time.time_since_epoch()) % days{1} != seconds{0}) {
    return std::nullopt;
  }
  constexpr Time kFirst{sys_days{year{1} / 1 / 1}};
  constexpr Time kLast{sys_days{year{10000} / 1 / 1}};
  if (time < kFirst || time >= kLast) return std::nullopt;
  return time;
}

}  // namespace sluice
