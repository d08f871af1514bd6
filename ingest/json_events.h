#pragma once

#include <simdjson.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ingest/attributes.h"
#include "ingest/batch_builder.h"
#include "ingest/request_headers.h"

namespace sluice {

// Whether a name was met before; of few names it asks the list, of many an index.
class MetNames {
 public:
  void clear();
  // False: it was.
  bool add(std::string_view name);

 private:
  std::vector<std::string_view> few_;
  std::unordered_set<std::string_view> many_;
};

// Events in JSON, in each mode that CloudEvents has for it, and one a line. What is read goes to
// the builder; all throw RefusedRequest. Bodies are padded in place.
class JsonEvents {
 public:
  JsonEvents(BatchBuilder& batch, std::size_t depth) : batch_(batch), depth_(depth) {}

  void read_structured(std::string& body);
  void read_batch(std::string& body);
  void read_lines(std::string& body);
  // The body is the data, the attributes are in the headers.
  void read_binary(const RequestHeaders& headers, std::string& body);

  // Gives back buffers that a large event made large.
  void shrink();

 private:
  // The event's text, which has its padding behind it.
  void read_event(std::string_view text);
  simdjson::dom::element parse(std::string_view padded);
  void read_member(std::string_view name, simdjson::dom::element value);
  void read_base64(simdjson::dom::element text);
  void read_data(const simdjson::dom::element* data);

  BatchBuilder& batch_;
  const std::size_t depth_;
  simdjson::dom::parser parser_;
  simdjson::dom::parser inner_parser_;  // of data_base64, while its event lives in the other
  Attributes attributes_;
  MetNames met_;
  std::string scratch_;
};

}  // namespace sluice
