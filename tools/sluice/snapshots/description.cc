#include "tools/sluice/snapshots/description.h"

#include <simdjson.h>

#include <algorithm>
#include <numeric>

#include "storage/base/json_writer.h"
#include "tools/sluice/snapshots/files.h"

namespace sluice {
namespace {

constexpr std::int64_t kFormat = 1;
// What comes behind it is the checksum of what comes before.
constexpr std::string_view kChecksumField = ",\"checksum\":\"";
constexpr std::string_view kEnd = "\"}";

using simdjson::dom::element;

bool read(const element& of, const char* name, std::string& value) {
  std::string_view text;
  if (of[name].get(text) != simdjson::SUCCESS) return false;
  value = text;
  return true;
}

template <class Number>
bool read(const element& of, const char* name, Number& value) {
  std::int64_t number = 0;
  if (of[name].get(number) != simdjson::SUCCESS) return false;
  value = static_cast<Number>(number);
  return true;
}

bool read(const element& of, SnapshotFile& file) {
  return read(of, "name", file.name) && read(of, "bytes", file.bytes) &&
         read(of, "checksum", file.checksum) && read(of, "modified_ns", file.modified_ns) &&
         is_file_name(file.name);
}

bool read(const element& of, SnapshotDescription& said) {
  std::int64_t made_ms = 0;
  std::string digest;
  const bool has_all =
      read(of, "projection", said.projection) && read(of, "generation", said.generation) &&
      read(of, "generation_id", said.generation_id) &&
      read(of, "partition", said.partition.value) && read(of, "version", said.version) &&
      read(of, "position", said.position.value) && read(of, "digest", digest) &&
      read(of, "publications", said.published) && read(of, "made_ms", made_ms);
  simdjson::dom::array files;
  if (!has_all || of["seconds"].get(said.seconds) != simdjson::SUCCESS ||
      of["files"].get(files) != simdjson::SUCCESS)
    return false;
  for (const element& each : files) {
    if (!read(each, said.files.emplace_back())) return false;
  }
  said.made_at = Time{std::chrono::milliseconds{made_ms}};
  return parse_hex(digest, said.digest.value);
}

struct Sealed {
  element all;  // the parser's
  std::int64_t format = 0;
};

// What is under a checksum that is its own, and has a format.
std::optional<Sealed> unseal(simdjson::dom::parser& parser, std::string_view json) {
  if (json.ends_with('\n')) json.remove_suffix(1);
  const auto at = json.rfind(kChecksumField);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view said = json.substr(at + kChecksumField.size());
  if (said != checksum_of(json.substr(0, at)) + std::string(kEnd)) return std::nullopt;
  Sealed sealed;
  if (parser.parse(simdjson::padded_string(json)).get(sealed.all) != simdjson::SUCCESS ||
      sealed.all["format"].get(sealed.format) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return sealed;
}

}  // namespace

std::uint64_t SnapshotDescription::bytes() const {
  return std::accumulate(
      files.begin(), files.end(), std::uint64_t{0},
      [](std::uint64_t sum, const SnapshotFile& file) { return sum + file.bytes; });
}

const SnapshotFile* SnapshotDescription::file(std::string_view name) const {
  const auto found = std::ranges::find(files, name, &SnapshotFile::name);
  return found == files.end() ? nullptr : &*found;
}

std::string json_of(const SnapshotDescription& said) {
  JsonWriter json;
  json.begin_object().field("format", kFormat).field("projection", said.projection);
  json.field("generation", said.generation).field("generation_id", said.generation_id);
  json.field("partition", said.partition.value).field("version", said.version);
  json.field("position", said.position.value).field("digest", hex_of(said.digest.value));
  json.field("publications", said.published);
  json.field("made_ms", said.made_at.time_since_epoch().count()).name("seconds");
  json.real(said.seconds).name("files").begin_array();
  for (const SnapshotFile& file : said.files) {
    json.begin_object().field("name", file.name).field("bytes", file.bytes);
    json.field("checksum", file.checksum).field("modified_ns", file.modified_ns).end_object();
  }
  std::string text = json.end_array().take();
  const std::string checksum = checksum_of(text);
  return text.append(kChecksumField).append(checksum).append(kEnd) + "\n";
}

std::optional<SnapshotDescription> parse_description(std::string_view json) {
  simdjson::dom::parser parser;
  const std::optional<Sealed> sealed = unseal(parser, json);
  if (!sealed || sealed->format != kFormat) return std::nullopt;
  SnapshotDescription description;
  if (!read(sealed->all, description)) return std::nullopt;
  return description;
}

bool is_newer_description(std::string_view json) {
  simdjson::dom::parser parser;
  const std::optional<Sealed> sealed = unseal(parser, json);
  return sealed && sealed->format > kFormat;
}

}  // namespace sluice
