#include "tools/sluice/node/idle_folder.h"

#include "storage/base/errors.h"
#include "tools/sluice/node/log.h"

namespace sluice {

std::unique_ptr<DataFolder> idle_folder(const std::filesystem::path& data) {
  require_embedded_log(data);
  try {
    return std::make_unique<DataFolder>(data);
  } catch (const Misconfigured& taken) {
    throw Misconfigured(std::string(taken.what()) +
                        "; one that runs is asked by --postgres, without --data");
  }
}

}  // namespace sluice
