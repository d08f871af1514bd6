#pragma once

// Pieces of SQL text.

#include <string>
#include <string_view>
#include <vector>

#include "storage/postgres/array_text.h"

namespace sluice {

// An identifier. Names come from descriptors: lower-case words, some of them reserved by SQL.
[[nodiscard]] inline std::string quoted(std::string_view name) {
  return "\"" + std::string(name) + "\"";
}

// "a, b", each behind `before`.
[[nodiscard]] inline std::string joined(const std::vector<std::string>& names,
                                        std::string_view before = "") {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ", ";
    list += std::string(before) + name;
  }
  return list;
}

// A parameter of type text[].
[[nodiscard]] inline std::string array_text(const std::vector<std::string>& values) {
  ArrayText list;
  for (const std::string& value : values) list.add(std::string_view(value));
  return list.text();
}

}  // namespace sluice
