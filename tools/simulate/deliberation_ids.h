#pragma once

// How simulated things are named.

#include <string>

namespace sluice::simulate {

inline std::string numbered(std::string prefix, std::size_t n) {
  return prefix += std::to_string(n);
}
inline std::string conversation_id(std::size_t n) { return numbered("c", n); }
inline std::string opinion_id(std::size_t n) { return numbered("o", n); }
inline std::string owner_id(std::size_t conversation) { return numbered("owner", conversation); }

}  // namespace sluice::simulate
