// What /openapi.json says is what the server does.

#include <simdjson.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "ingest/timestamp.h"
#include "tests/contract/served_ingest.h"

namespace sluice::testing {
namespace {

using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

class Document {
 public:
  explicit Document(const ServedIngest& served)
      : text_(http::body_of(served.send("GET /openapi.json"))) {
    REQUIRE(parser_.parse(text_).get(root_) == simdjson::SUCCESS);
  }

  [[nodiscard]] element root() const { return root_; }
  // Follows a reference, where the schema is one.
  [[nodiscard]] element resolved(element schema) const {
    std::string_view reference;
    if (schema["$ref"].get(reference) != simdjson::SUCCESS) return schema;
    REQUIRE(reference.starts_with("#"));
    element found;
    CAPTURE(reference);
    REQUIRE(root_.at_pointer(reference.substr(1)).get(found) == simdjson::SUCCESS);
    return found;
  }
  // The schema of each fact of the domain, by reference.
  [[nodiscard]] std::vector<element> facts() const {
    std::vector<element> all;
    const element event = root_.at_pointer("/components/schemas/deliberation.event");
    for (const element fact : array(event["oneOf"])) all.push_back(resolved(fact));
    return all;
  }

 private:
  std::string text_;
  simdjson::dom::parser parser_;
  element root_;
};

std::wstring code_points(std::string_view utf8) {
  std::wstring wide;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      wide += static_cast<wchar_t>(byte);
    } else if (byte >= 0xc0) {
      wide += static_cast<wchar_t>(byte & (byte >= 0xf0 ? 0x07 : byte >= 0xe0 ? 0x0f : 0x1f));
    } else {
      wide.back() = static_cast<wchar_t>(wide.back() << 6 | (byte & 0x3f));
    }
  }
  return wide;
}

bool has_type(element schema, element value) {
  const auto is = [&](std::string_view type) {
    return (type == "null" && value.is_null()) || (type == "string" && value.is_string()) ||
           (type == "boolean" && value.is_bool()) || (type == "object" && value.is_object()) ||
           (type == "array" && value.is_array()) ||
           (type == "integer" && (value.is_int64() || value.is_uint64())) ||
           (type == "number" && value.is_number());
  };
  element type;
  if (schema["type"].get(type) != simdjson::SUCCESS) return true;
  if (type.is_string()) return is(type);
  const array types(type);
  return std::any_of(types.begin(), types.end(), [&](element one) { return is(one); });
}

bool text_fits(element schema, std::string_view text) {
  const std::wstring wide = code_points(text);
  std::uint64_t bound = 0;
  std::string_view pattern;
  std::string_view format;
  if (schema["minLength"].get(bound) == simdjson::SUCCESS && wide.size() < bound) return false;
  if (schema["maxLength"].get(bound) == simdjson::SUCCESS && wide.size() > bound) return false;
  if (schema["format"].get(format) == simdjson::SUCCESS && !parse_timestamp(text)) return false;
  return schema["pattern"].get(pattern) != simdjson::SUCCESS ||
         std::regex_search(wide, std::wregex(code_points(pattern)));
}

bool number_fits(element schema, double number) {
  double bound = 0;
  return (schema["minimum"].get(bound) != simdjson::SUCCESS || number >= bound) &&
         (schema["maximum"].get(bound) != simdjson::SUCCESS || number <= bound);
}

// As much of JSON Schema as the document uses for a value that is no object.
bool is_valid(element schema, element value) {
  if (!has_type(schema, value)) return false;
  const std::string written = simdjson::minify(value);
  element constant;
  if (schema["const"].get(constant) == simdjson::SUCCESS) {
    return simdjson::minify(constant) == written;
  }
  array words;
  if (schema["enum"].get(words) == simdjson::SUCCESS) {
    return std::any_of(words.begin(), words.end(),
                       [&](element word) { return simdjson::minify(word) == written; });
  }
  if (value.is_string()) return text_fits(schema, value);
  if (value.is_number()) return number_fits(schema, value);
  if (!value.is_array()) return true;
  std::uint64_t least = 0;
  const array items(value);
  return (schema["minItems"].get(least) != simdjson::SUCCESS || items.size() >= least) &&
         std::all_of(items.begin(), items.end(),
                     [&](element item) { return is_valid(schema["items"], item); });
}

// The least value of a schema, as JSON.
std::string example_of(element schema) {
  element constant;
  if (schema["const"].get(constant) == simdjson::SUCCESS) return simdjson::minify(constant);
  array words;
  if (schema["enum"].get(words) == simdjson::SUCCESS) return simdjson::minify(words.at(0));
  element type(schema["type"]);
  if (type.is_array()) type = array(type).at(0);
  if (std::string_view(type) == "boolean") return "true";
  if (std::string_view(type) == "integer") return "1";
  if (std::string_view(type) == "string") return "\"a\"";
  if (std::string_view(type) == "array") return "[]";
  REQUIRE(std::string_view(type) == "object");
  std::string members;
  for (const element name : array(schema["required"])) {
    members += (members.empty() ? "" : ",") + simdjson::minify(name) + ":" +
               example_of(schema["properties"].at_key(std::string_view(name)));
  }
  return "{" + members + "}";
}

// The object's JSON with one member set anew, or taken out.
std::string with(const std::string& json, std::string_view name, const std::string& value) {
  simdjson::dom::parser parser;
  const object members(parser.parse(json));
  std::string out;
  for (const auto [key, old] : members) {
    if (key != name) out += "\"" + std::string(key) + "\":" + simdjson::minify(old) + ",";
  }
  if (!value.empty()) out += "\"" + std::string(name) + "\":" + value + ",";
  if (!out.empty()) out.pop_back();
  return "{" + out + "}";
}

std::vector<std::string> candidates() {
  std::vector<std::string> all = {"null",
                                  "true",
                                  "0",
                                  "-1",
                                  "1",
                                  "1.5",
                                  "9223372036854775807",
                                  "9300000000000000000",
                                  "[]",
                                  "[1]",
                                  "{}",
                                  R"("")",
                                  R"("5")",
                                  R"("-5")",
                                  R"("a b")",
                                  R"("\u00e9")",
                                  R"("\u0000")",
                                  R"("\u0085")",
                                  R"("agree")",
                                  R"("AGREE")",
                                  R"("guest")",
                                  R"("moderator")",
                                  R"("none")",
                                  R"("1.0")",
                                  R"("vote.set")",
                                  R"("2026-01-31T12:00:00.5+01:00")",
                                  R"("2026-02-31T12:00:00Z")",
                                  R"("application/vnd.any+json")",
                                  R"("text/xml")"};
  for (const std::size_t length : {1, 64, 65, 140, 141, 200, 201, 1000, 1001, 5000, 5001}) {
    all.push_back("\"" + std::string(length, 'x') + "\"");
  }
  return all;
}

// Posts `event` with each candidate in the place of a member, wherever that may be: what the schema
// allows is admitted, and nothing else.
void compare(const ServedIngest& served, element schema, std::string_view name,
             const std::function<std::string(const std::string&)>& event_with) {
  simdjson::dom::parser parser;
  for (const std::string& candidate : candidates()) {
    const element value = parser.parse(candidate);
    if (value.is_object() && has_type(schema, value)) continue;
    const std::string reply = served.post(event_with(candidate));
    CAPTURE(name, candidate.substr(0, 80), candidate.size(), reply);
    CHECK(http::status_of_reply(reply) == (is_valid(schema, value) ? 202 : 422));
  }
}

TEST_CASE("what the document allows is admitted, and what it does not is refused") {
  const ServedIngest served;
  const Document document(served);
  REQUIRE(document.facts().size() > 5);
  for (const element fact : document.facts()) {
    const std::string event = example_of(fact);
    const element data = fact["properties"]["data"];
    const std::string facts_data = example_of(data);
    CAPTURE(event);
    REQUIRE(http::status_of_reply(served.post(event)) == 202);
    for (const auto [name, schema] : object(data["properties"])) {
      compare(served, schema, name, [&, key = name](const std::string& value) {
        return with(event, "data", with(facts_data, key, value));
      });
    }
    for (const element name : array(data["required"])) {
      CHECK(http::status_of_reply(served.post(
                with(event, "data", with(facts_data, std::string_view(name), "")))) == 422);
    }
    CHECK(http::status_of_reply(
              served.post(with(event, "data", with(facts_data, "unknown", "1")))) == 422);
    for (const element name : array(fact["required"])) {
      CHECK(http::status_of_reply(served.post(with(event, std::string_view(name), ""))) == 422);
    }
  }
  const element fact = document.facts().front();
  const std::string event = example_of(fact);
  const auto attribute = [&](std::string_view name, element schema) {
    compare(served, schema, name,
            [&](const std::string& value) { return with(event, name, value); });
  };
  for (const auto [name, schema] : object(fact["properties"])) {
    if (name != "data") attribute(name, schema);
  }
  attribute("anyextension", fact["additionalProperties"]);
}

// Every object with a "$ref" leads somewhere, every "required" is among its "properties".
void check_references(const Document& document, element within) {
  if (within.is_array()) {
    for (const element item : array(within)) check_references(document, item);
  }
  if (!within.is_object()) return;
  std::ignore = document.resolved(within);
  array required;
  if (within["required"].get(required) == simdjson::SUCCESS) {
    for (const element name : required) {
      CAPTURE(std::string(std::string_view(name)));
      CHECK(within["properties"].at_key(std::string_view(name)).error() == simdjson::SUCCESS);
    }
  }
  for (const auto [name, value] : object(within)) check_references(document, value);
}

TEST_CASE("the document is OpenAPI 3.1, and its references lead somewhere") {
  const ServedIngest served;
  const Document document(served);
  const element root = document.root();
  CHECK(std::string_view(root["openapi"]) == "3.1.0");
  CHECK_FALSE(std::string_view(root["info"]["title"]).empty());
  CHECK_FALSE(std::string_view(root["info"]["version"]).empty());
  std::set<std::string_view> ids;
  for (const auto [path, item] : object(root["paths"])) {
    CHECK(path.starts_with("/"));
    for (const auto [method, operation] : object(item)) {
      CAPTURE(std::string(path), std::string(method));
      CHECK((method == "get" || method == "post"));
      CHECK(ids.insert(operation["operationId"]).second);
      for (const auto [status, response] : object(operation["responses"])) {
        CHECK_FALSE(std::string_view(response["description"]).empty());
        for (const auto [type, media] : object(response["content"])) {
          CHECK(media["schema"].error() == simdjson::SUCCESS);
        }
      }
      // What is there answers there.
      if (method == "get") {
        CHECK(http::status_of_reply(served.send("GET " + std::string(path))) == 200);
      }
    }
  }
  CHECK(ids.size() == 5);
  for (const auto [name, schema] : object(root["components"]["schemas"])) {
    check_references(document, schema);
  }
  check_references(document, root["paths"]);
}

TEST_CASE("the document says the limits that hold") {
  IngestConfig config;
  config.decoder.batch_events = 17;
  const ServedIngest served(config);
  const Document document(served);
  const element batch = document.root().at_pointer(
      "/paths/~1v1~1deliberation~1events/post/requestBody/content/"
      "application~1cloudevents-batch+json/schema");
  CHECK(std::int64_t(batch["maxItems"]) == 17);
}

}  // namespace
}  // namespace sluice::testing
