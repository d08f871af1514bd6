#pragma once

#include <string>

namespace sluice::simulation {

inline bool is_an_id(const std::string& text) {
  return !text.empty() && text.size() <= 64 &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-") ==
             std::string::npos;
}

}  // namespace sluice::simulation
