#include "tools/sluice/node/log_backup.h"

#include <chrono>
#include <utility>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/base/own_folder.h"
#include "tools/sluice/client/rfc3339.h"
#include "tools/sluice/node/asked_folder.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

std::uint64_t bytes_below(const fs::path& folder) {
  std::uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

}  // namespace

std::string back_up_log(Log& log, const fs::path& folder, const fs::path& data) {
  using namespace std::chrono;
  require_outside(folder, data);
  const auto begun = steady_clock::now();
  const OwnFolder own(folder, OwnFolder::Links::followed);
  const auto now = time_point_cast<milliseconds>(system_clock::now()).time_since_epoch().count();
  const fs::path made = own.path() / ("log-" + rfc3339(now));
  log.back_up(made);
  JsonWriter json;
  json.begin_object().field("path", made.string()).field("bytes", bytes_below(made));
  json.name("seconds").real(duration<double>(steady_clock::now() - begun).count());
  return json.end_object().take();
}

OwnerAnswer backup_answer(Log& log, fs::path data) {
  return [&log, data = std::move(data)](const OwnerRequest& request, const std::stop_token&) {
    return "{\"backup\":" + back_up_log(log, asked_folder(request.argument), data) + "}";
  };
}

}  // namespace sluice
