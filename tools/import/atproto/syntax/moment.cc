#include "tools/import/atproto/syntax/moment.h"

#include <cstdint>

namespace sluice::atproto {
namespace {

constexpr unsigned kClockBits = 10;

// Takes characters off the front of a text; after the first one that does not fit, ok() is false.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  unsigned digits(std::size_t count) {
    unsigned number = 0;
    for (std::size_t i = 0; i < count; ++i) number = number * 10 + digit();
    return number;
  }
  void one(char c) { ok_ = ok_ && skip(c); }
  bool skip(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  // Behind a point: 1 to 20 digits.
  std::int64_t microseconds() {
    std::int64_t value = 0;
    std::int64_t unit = 100'000;
    std::size_t count = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; ++count) {
      value += unit * digit();
      unit /= 10;
    }
    ok_ = ok_ && count >= 1 && count <= 20;
    return value;
  }
  std::chrono::minutes zone() {
    if (skip('Z')) return {};
    const bool minus = skip('-');
    if (!minus) one('+');
    const unsigned hours = digits(2);
    one(':');
    const unsigned minutes = digits(2);
    // RFC 3339 says with -00:00 that the zone is unknown; ISO 8601 has none such.
    ok_ = ok_ && hours < 24 && minutes < 60 && !(minus && hours == 0 && minutes == 0);
    const std::chrono::minutes ahead(hours * 60 + minutes);
    return minus ? -ahead : ahead;
  }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

 private:
  unsigned digit() {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
      ok_ = false;
      return 0;
    }
    const auto value = static_cast<unsigned>(rest_.front() - '0');
    rest_.remove_prefix(1);
    return value;
  }

  std::string_view rest_;
  bool ok_ = true;
};

}  // namespace

std::optional<Moment> parse_datetime(std::string_view text) {
  using namespace std::chrono;
  Scanner scan(text);
  const year y(static_cast<int>(scan.digits(4)));
  scan.one('-');
  const month m(scan.digits(2));
  scan.one('-');
  const day d(scan.digits(2));
  scan.one('T');
  const unsigned hour = scan.digits(2);
  scan.one(':');
  const unsigned minute = scan.digits(2);
  scan.one(':');
  const unsigned second = scan.digits(2);
  const std::int64_t fraction = scan.skip('.') ? scan.microseconds() : 0;
  const minutes ahead = scan.zone();
  const year_month_day date(y, m, d);
  if (!scan.at_end() || !date.ok() || hour > 23 || minute > 59 || second > 59) return std::nullopt;
  const Moment moment = sys_days(date) + hours(hour) + minutes(minute) + seconds(second) +
                        microseconds(fraction) - ahead;
  const Moment first = sys_days(year(0) / January / 1);
  const Moment behind = sys_days(year(10'000) / January / 1);
  if (moment < first || moment >= behind) return std::nullopt;
  return moment;
}

std::optional<Moment> parse_tid(std::string_view text) {
  constexpr std::string_view kDigits = "234567abcdefghijklmnopqrstuvwxyz";
  // 13 digits are 65 bits: the first one has the top bit of 64, which is 0, and one beyond.
  constexpr std::size_t kGreatestFirst = 15;
  if (text.size() != 13) return std::nullopt;
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto digit = kDigits.find(text[i]);
    if (digit == std::string_view::npos || (i == 0 && digit > kGreatestFirst)) return std::nullopt;
    value = value << 5 | digit;
  }
  return Moment(std::chrono::microseconds(static_cast<std::int64_t>(value >> kClockBits)));
}

}  // namespace sluice::atproto
