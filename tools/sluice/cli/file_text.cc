#include "tools/sluice/cli/file_text.h"

#include <fstream>

#include "storage/base/errors.h"

namespace sluice {

std::string text_of_file(const std::string& path, std::size_t most) {
  std::ifstream file(path, std::ios::binary);
  // One more than may be there.
  std::string text(most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad() || !file.is_open()) throw Misconfigured("the file " + path + " cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() <= most) return text;
  throw Misconfigured("the file " + path + " holds more than the " + std::to_string(most) +
                      " bytes that are taken: name another");
}

}  // namespace sluice
