#include "tools/sluice/client/event_line.h"

#include <simdjson.h>

#include <cstdio>
#include <random>

#include "storage/base/errors.h"

namespace sluice {
namespace {

// Where "id": null stands in an object; null counts as absent. Only as far as needed is the line
// read: whether the rest is a good event, ingest says.
struct Place {
  bool has_id = false;
  const char* null_begin = nullptr;
  const char* null_end = nullptr;
};

Place find_id(simdjson::ondemand::object object) {
  for (auto field : object) {
    const char* key = field.key().raw();
    const std::string_view name = field.unescaped_key();
    if (name != "id") continue;
    simdjson::ondemand::value value = field.value();
    const std::string_view token = value.raw_json_token();
    if (!value.is_null()) return {true, nullptr, nullptr};
    return {false, key - 1, token.data() + 4};
  }
  return {};
}

}  // namespace

std::string random_id() {
  thread_local std::random_device chance;
  std::string id;
  for (int i = 0; i < 4; ++i) {
    char part[9];
    std::snprintf(part, sizeof part, "%08x", chance());
    id += part;
  }
  return id;
}

std::string with_id(std::string_view line, std::string_view id) {
  thread_local simdjson::ondemand::parser parser;
  const simdjson::padded_string padded(line);
  const std::string member = "\"id\":\"" + std::string(id) + "\"";
  try {
    simdjson::ondemand::document document = parser.iterate(padded);
    const Place place = find_id(document.get_object());
    std::string whole(line);
    if (place.has_id) return whole;
    if (place.null_begin != nullptr) {
      const auto begin = static_cast<std::size_t>(place.null_begin - padded.data());
      return whole.replace(begin, static_cast<std::size_t>(place.null_end - place.null_begin),
                           member);
    }
    const auto brace = whole.find('{');
    const auto next = whole.find_first_not_of(" \t\r", brace + 1);
    return whole.insert(brace + 1,
                        next != std::string::npos && whole[next] == '}' ? member : member + ",");
  } catch (const simdjson::simdjson_error& error) {
    if (error.error() == simdjson::INCORRECT_TYPE) throw Misconfigured("not a JSON object");
    throw Misconfigured(std::string("not JSON: ") + error.what());
  }
}

}  // namespace sluice
