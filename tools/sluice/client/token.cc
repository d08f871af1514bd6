#include "tools/sluice/client/token.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "storage/base/errors.h"

namespace sluice {
namespace {

// As sluice.wait_for has it.
bool is_domain(std::string_view name) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz";
  return !name.empty() && kLetters.find(name.front()) != std::string_view::npos &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

// As LogIdentity::short_form() has it.
bool is_short_form(std::string_view log) {
  return log.size() == 6 &&
         log.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789") == std::string_view::npos;
}

template <class Number>
bool read(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end && number >= 0;
}

}  // namespace

void Token::add(std::string_view text) {
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(part.size() + 1, text.size()));
    const auto colon = part.find(':');
    const std::string_view stream = part.substr(0, colon);
    const auto tilde = stream.find('~');
    const bool named = tilde == std::string_view::npos || is_short_form(stream.substr(tilde + 1));
    const auto at = part.find('@');
    std::int32_t partition = 0;
    std::int64_t position = 0;
    if (colon == std::string_view::npos || !named || !is_domain(stream.substr(0, tilde)) ||
        at == std::string_view::npos || at < colon ||
        !read(part.substr(colon + 1, at - colon - 1), partition) ||
        !read(part.substr(at + 1), position)) {
      throw Misconfigured(
          "\"" + std::string(part) +
          "\" is no token: give what a post answered, such as deliberation~k3f9q2:3@812");
    }
    auto& known = positions_[{std::string(stream), partition}];
    known = std::max(known, position);
  }
}

std::vector<std::string> Token::domains() const {
  std::set<std::string> found;
  for (const auto& [where, position] : positions_) {
    found.insert(where.first.substr(0, where.first.find('~')));
  }
  return {found.begin(), found.end()};
}

std::vector<Token::Place> Token::places() const {
  std::vector<Place> all;
  for (const auto& [where, position] : positions_) {
    const auto tilde = where.first.find('~');
    const bool named = tilde != std::string::npos;
    all.push_back({where.first.substr(0, tilde), named ? where.first.substr(tilde + 1) : "",
                   where.second, position});
  }
  return all;
}

std::string Token::text() const {
  std::string joined;
  for (const auto& [where, position] : positions_) {
    joined += (joined.empty() ? "" : ",") + where.first + ":" + std::to_string(where.second) + "@" +
              std::to_string(position);
  }
  return joined;
}

}  // namespace sluice
