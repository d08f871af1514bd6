#include "tools/sluice/node/asked_folder.h"

#include <simdjson.h>

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

}  // namespace sluice
