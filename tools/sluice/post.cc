#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>

#include "storage/base/json_writer.h"
#include "tools/sluice/cli/progress.h"
#include "tools/sluice/client/event_line.h"
#include "tools/sluice/client/poster.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"

namespace sluice {
namespace {

struct Options {
  ProducerOptions producer;
  std::string domain;
  std::string file;
};

// Twice what an event may have.
constexpr std::size_t kLineMost = std::size_t{1} << 20;

// The next line, without its end; nullopt: there is none. Refused beyond kLineMost.
std::optional<std::string_view> next_line(std::istream& lines, std::string& buffer,
                                          const std::string& origin) {
  buffer.resize(kLineMost + 1);
  lines.getline(buffer.data(), static_cast<std::streamsize>(buffer.size()));
  const auto taken = static_cast<std::size_t>(lines.gcount());
  if (taken == 0 && lines.fail()) return std::nullopt;
  if (lines.fail()) {
    throw Refused(origin + ": it is longer than " + std::to_string(kLineMost) +
                  " bytes: give CloudEvents, one a line");
  }
  return std::string_view(buffer).substr(0, lines.eof() ? taken : taken - 1);
}

void post_lines(std::istream& lines, Poster& poster, Progress& progress) {
  std::string buffer;
  for (std::uint64_t number = 1;; ++number) {
    const std::string origin = "line " + std::to_string(number);
    const auto line = next_line(lines, buffer, origin);
    if (!line) break;
    progress.advance(line->size() + 1);
    if (line->find_first_not_of(" \t\r") == std::string_view::npos) continue;
    try {
      poster.add(with_id(*line, random_id()), origin);
    } catch (const Refused&) {
      throw;
    } catch (const Misconfigured& error) {
      throw Refused(origin + ": " + error.what());
    }
  }
  if (lines.bad()) throw Misconfigured("the input could not be read to its end");
  poster.flush();
}

std::uint64_t size_of(const std::string& file) {
  std::error_code unknown;
  const auto size = std::filesystem::file_size(file, unknown);
  return unknown ? 0 : size;
}

Exit post(const Options& options, const OutputForm& output) {
  HttpClient client(options.producer.http, options.producer.api_key, options.producer.timeout);
  Poster poster(client, options.domain, options.producer.retry_for);
  poster.batch(static_cast<std::size_t>(options.producer.batch));
  std::ifstream file;
  if (options.file != "-") {
    file.open(options.file);
    if (!file)
      throw Misconfigured("cannot read " + options.file +
                          ": give a file of CloudEvents, one a line, or -");
  }
  try {
    Progress progress(output.progress, "bytes posted", size_of(options.file));
    post_lines(options.file == "-" ? std::cin : file, poster, progress);
  } catch (const Refused& error) {
    std::cerr << "sluice post: " << error.what() << "\n";
    return Exit::found;
  }
  JsonWriter json;
  json.begin_object().field("accepted", poster.accepted()).field("token", poster.token());
  print_line(json.end_object().take());
  return Exit::done;
}

}  // namespace

void add_post(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "post",
      "Post CloudEvents, one JSON object a line. A batch is taken whole or not at all; "
      "lines without an id get one, a new one each time that the file is posted. Exit 1 when the "
      "server finds fault with a line.",
      "sluice post --http http://127.0.0.1:8080 --domain deliberation events.jsonl");
  add_producer_options(command, options->producer);
  command.text("domain", options->domain, "The domain that the events belong to").required();
  command.argument("FILE", options->file, "File of events, or - for standard input");
  command.runs([options](const OutputForm& output) { return post(*options, output); });
}

}  // namespace sluice
