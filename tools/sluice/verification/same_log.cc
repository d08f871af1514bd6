#include "tools/sluice/verification/same_log.h"

#include <cstdio>

#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "tools/sluice/node/log_check.h"

namespace sluice {

void require_same_log(const std::string& postgres, const std::string& domain, Log& log,
                      const char* command) {
  const ViewStands stands = StandingViews(postgres).read();
  const auto stand = stands.find(domain);
  if (stand == stands.end()) return;
  const std::string stream = stream_of(domain);
  const StreamSeen seen = look_at(*log.topology(), stream);
  if (const auto wrong = mismatch(domain, stand->second, seen)) throw Misconfigured(wrong->text);
  const auto lost = lost_tails(domain, stand->second, seen);
  if (!lost.empty()) throw Corrupt(lost.begin()->second);
  const auto settings = log.settings();
  if (settings == nullptr || !seen.partitions) return;
  for (const SettingFault& fault : settings->faults(stream)) {
    if (!fault.loses) continue;
    std::fputs((std::string("sluice ") + command + ": of the topic " + stream + " " +
                describe(fault) + "\n")
                   .c_str(),
               stderr);
  }
}

}  // namespace sluice
