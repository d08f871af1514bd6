#include "tools/sluice/node/asked_folder.h"

#include <simdjson.h>

#include <algorithm>

#include "storage/base/errors.h"

namespace sluice {

std::filesystem::path asked_folder(const std::string& argument) {
  simdjson::dom::parser parser;
  simdjson::dom::element all;
  std::string_view to;
  if (parser.parse(argument).get(all) != simdjson::SUCCESS ||
      all["to"].get(to) != simdjson::SUCCESS || !to.starts_with('/')) {
    throw Misconfigured("the argument is {\"to\": the whole path of a folder}");
  }
  return std::filesystem::path(to);
}

void require_outside(const std::filesystem::path& folder, const std::filesystem::path& data) {
  // Below nothing that exists a relative path stays one.
  const std::filesystem::path here = std::filesystem::current_path();
  const std::filesystem::path inner = std::filesystem::weakly_canonical(here / folder);
  const std::filesystem::path outer = std::filesystem::weakly_canonical(here / data);
  const auto beyond = std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end());
  if (beyond.first != outer.end()) return;
  throw Misconfigured(folder.string() + " is inside of the data folder " + data.string() +
                      ", and would be lost with it: give a folder outside");
}

}  // namespace sluice
