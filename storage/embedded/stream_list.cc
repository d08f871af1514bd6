#include "storage/embedded/stream_list.h"

#include <fstream>
#include <sstream>
#include <string_view>

#include "storage/embedded/durable_file.h"

namespace sluice::embedded {
namespace {

// Of the file; the last line says how many streams there are.
constexpr std::string_view kFirstLine = "streams of a sluice log, 1";
constexpr const char* kName = "STREAMS";

}  // namespace

std::optional<StreamList> read_stream_list(const std::filesystem::path& directory) {
  std::ifstream in(directory / kName);
  std::string line;
  if (!std::getline(in, line) || line != kFirstLine) return std::nullopt;
  StreamList list;
  while (std::getline(in, line)) {
    std::istringstream words(line);
    std::string kind;
    std::string name;
    StreamEntry entry;
    words >> kind;
    if (kind == "identity" && words >> name) list.identity = parse_identity(name);
    if (kind == "stream" && words >> entry.id.value >> entry.partitions >> std::ws &&
        std::getline(words, name)) {
      list.streams.emplace(name, entry);
    }
    std::size_t count = 0;
    if (kind == "end" && words >> count && count == list.streams.size()) return list;
  }
  return std::nullopt;
}

void write_stream_list(const std::filesystem::path& directory, const StreamList& list) {
  std::ostringstream text;
  text << kFirstLine << '\n';
  if (list.identity) text << "identity " << list.identity->text << '\n';
  for (const auto& [name, entry] : list.streams) {
    text << "stream " << entry.id.value << ' ' << entry.partitions << ' ' << name << '\n';
  }
  text << "end " << list.streams.size() << '\n';
  write_durable_file(directory / kName, text.str());
}

}  // namespace sluice::embedded
