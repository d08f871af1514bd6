#include "tools/import/polis_api.h"

#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <tuple>

#include "storage/base/errors.h"

namespace sluice {
namespace {

using simdjson::dom::element;

// One object of a list of a file.
class Entry {
 public:
  Entry(element value, std::string where) : value_(value), where_(std::move(where)) {}

  // The first of these keys that is there.
  [[nodiscard]] std::int64_t number(std::initializer_list<std::string_view> keys) const {
    const element value = find(keys);
    if (std::int64_t whole = 0; value.get(whole) == simdjson::SUCCESS) return whole;
    if (double real = 0; value.get(real) == simdjson::SUCCESS && std::abs(real) < 0x1p53) {
      return static_cast<std::int64_t>(real);
    }
    std::string_view text;
    if (value.get(text) == simdjson::SUCCESS) {
      if (const auto time = milliseconds(text)) return *time;
    }
    throw Misconfigured(where_ + ": " + std::string(*keys.begin()) + " is no number");
  }
  [[nodiscard]] bool truth(std::string_view key) const {
    bool value = false;
    return value_[key].get(value) == simdjson::SUCCESS && value;
  }
  [[nodiscard]] std::string text(std::string_view key) const {
    std::string_view value;
    return value_[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  }
  [[nodiscard]] int choice() const {
    const std::int64_t value = number({"vote"});
    if (value < -1 || value > 1) {
      throw Misconfigured(where_ + ": a vote is 1, 0 or -1, not " + std::to_string(value));
    }
    return static_cast<int>(value);
  }

 private:
  [[nodiscard]] element find(std::initializer_list<std::string_view> keys) const {
    for (const std::string_view key : keys) {
      if (element found; value_[key].get(found) == simdjson::SUCCESS) return found;
    }
    throw Misconfigured(where_ + " has no " + std::string(*keys.begin()));
  }

  // "1714613201691", or "2023-08-11T06:33:28.174000Z".
  static std::optional<std::int64_t> milliseconds(std::string_view text) {
    std::int64_t whole = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), whole);
    if (error == std::errc{} && end == text.data() + text.size()) return whole;
    int year = 0;
    unsigned month = 0, day = 0;
    int hour = 0, minute = 0;
    double second = 0;
    if (std::sscanf(std::string(text).c_str(), "%d-%u-%uT%d:%d:%lfZ", &year, &month, &day, &hour,
                    &minute, &second) != 6) {
      return std::nullopt;
    }
    using namespace std::chrono;
    const auto date =
        sys_days(std::chrono::year(year) / std::chrono::month(month) / std::chrono::day(day));
    const auto time = date.time_since_epoch() + hours(hour) + minutes(minute);
    return duration_cast<std::chrono::milliseconds>(time).count() + std::lround(second * 1000);
  }

  element value_;
  std::string where_;
};

template <class Visit>
void for_each_entry(const std::filesystem::path& path, Visit visit) {
  simdjson::dom::parser parser;
  simdjson::dom::array entries;
  if (const auto error = parser.load(path.string()).get(entries)) {
    throw Misconfigured(path.string() + " is no list in JSON: " + simdjson::error_message(error));
  }
  std::uint64_t at = 0;
  for (const element value : entries) {
    ++at;
    visit(Entry(value, path.filename().string() + ", entry " + std::to_string(at)), at);
  }
}

void read_comments(const std::filesystem::path& path, PolisExport& into) {
  for_each_entry(path, [&](const Entry& entry, std::uint64_t at) {
    into.comments.push_back({.id = entry.number({"tid", "statement_id"}),
                             .author = std::to_string(entry.number({"pid", "participant_id"})),
                             .body = entry.text("txt"),
                             .time = entry.number({"created"}),
                             .moderated_out = entry.number({"mod", "moderated"}) == -1,
                             .is_meta = entry.truth("is_meta"),
                             .is_seed = entry.truth("is_seed"),
                             .row = at});
  });
  std::ranges::stable_sort(into.comments, {}, &PolisComment::id);
}

void read_votes(const std::filesystem::path& path, PolisExport& into) {
  for_each_entry(path, [&](const Entry& entry, std::uint64_t at) {
    into.votes.push_back({.origin = path.filename().string() + "/" + std::to_string(at),
                          .comment = entry.number({"tid", "statement_id"}),
                          .voter = entry.number({"pid", "participant_id"}),
                          .choice = entry.choice(),
                          .time = entry.number({"modified"})});
  });
}

}  // namespace

PolisExport read_polis_api(const std::filesystem::path& folder) {
  PolisExport found;
  read_comments(folder / "comments.json", found);
  read_votes(folder / "votes.json", found);
  if (const auto missing = folder / "votes-missing.json"; std::filesystem::exists(missing)) {
    read_votes(missing, found);
  }
  std::ranges::stable_sort(
      found.votes, {}, [](const PolisVote& v) { return std::tuple(v.time, v.comment, v.voter); });
  simdjson::dom::parser parser;
  element about;
  if (parser.load((folder / "conversation.json").string()).get(about) == simdjson::SUCCESS) {
    const Entry conversation(about, "conversation.json");
    found.topic = conversation.text("topic");
    found.description = conversation.text("description");
  }
  return found;
}

}  // namespace sluice
