#pragma once

// A set of ids in one text, each ended by a line feed, which no id contains.

#include <string>
#include <string_view>

namespace sluice::id_lines {

inline void add(std::string& ids, std::string_view id) { ids.append(id).push_back('\n'); }

// False when it was not among them.
inline bool take_out(std::string& ids, std::string_view id) {
  for (std::size_t at = 0; at < ids.size();) {
    const std::size_t end = ids.find('\n', at);
    if (std::string_view(ids).substr(at, end - at) == id) {
      ids.erase(at, end + 1 - at);
      return true;
    }
    at = end + 1;
  }
  return false;
}

template <class Visit>
void for_each(std::string_view ids, Visit& visit) {
  for (std::size_t begin = 0; begin < ids.size();) {
    const std::size_t end = ids.find('\n', begin);
    visit(ids.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace sluice::id_lines
