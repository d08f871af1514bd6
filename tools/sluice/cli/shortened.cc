#include "tools/sluice/cli/shortened.h"

namespace sluice {

std::string shortened(const std::string& text, std::size_t most) {
  const auto is_middle_of_letter = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
  };
  if (text.size() <= most) return text;
  std::size_t from = most / 2;
  std::size_t to = text.size() - most / 2;
  while (from > 0 && is_middle_of_letter(from)) --from;
  while (to < text.size() && is_middle_of_letter(to)) ++to;
  return text.substr(0, from) + "... (" + std::to_string(text.size()) + " bytes) ..." +
         text.substr(to);
}

}  // namespace sluice
