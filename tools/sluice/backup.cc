#include <simdjson.h>

#include <filesystem>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/asking/asking.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/idle_folder.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/log_backup.h"

namespace sluice {
namespace {

constexpr std::uint64_t kLogBytes = std::uint64_t{32} << 20;

struct Options {
  std::string postgres;
  std::string data;
  std::string to;
};

// Of a log that nobody has open.
std::string back_up_directly(const Options& options) {
  const auto folder = idle_folder(options.data);
  return back_up_log(*own_embedded_log(folder->path(), kLogBytes), options.to, folder->path());
}

std::string ask_for_backup(const Options& options) {
  PgConnection postgres(options.postgres);
  const std::string to = std::filesystem::absolute(options.to).lexically_normal().string();
  const Question question{
      .kind = "log.backup",
      .projection = {},
      .argument = JsonWriter().begin_object().field("to", to).end_object().take()};
  const std::string answer = require_answer(
      ask_processes(postgres, {question}).front(),
      "no sluice up with an embedded log answered within 10 s, and none will: start it, or give "
      "--data while nothing runs. A log on Kafka is kept by Kafka's own means");
  simdjson::dom::parser parser;
  const simdjson::dom::element said = parser.parse(answer);
  return simdjson::minify(said["backup"]);
}

Exit back_up(const Options& options) {
  if (options.data.empty() && options.postgres.empty()) {
    throw Misconfigured(
        "give --postgres, to ask the sluice up that runs; or --data while none does");
  }
  print_line(options.data.empty() ? ask_for_backup(options) : back_up_directly(options));
  return Exit::done;
}

}  // namespace

void add_backup(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "backup",
      "Copy the embedded log, while sluice up appends to it, or with --data while nothing runs. "
      "Postgres is backed up by any tool, at any time: what it lacks is folded again",
      "sluice backup --postgres postgresql://... --to /backup");
  command.text("postgres", options->postgres,
               "URL of Postgres, as `sluice up` prints it: the process that has the log is asked "
               "there");
  command.text("data", options->data, "Folder of a `sluice up` that does not run").own();
  command.text("to", options->to, "A folder of the machine that has the log; made there")
      .required();
  command.runs([options](const OutputForm&) { return back_up(*options); });
}

}  // namespace sluice
