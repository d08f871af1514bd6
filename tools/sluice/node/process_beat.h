#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "storage/postgres/process_rows.h"
#include "tools/sluice/node/vitals.h"

namespace sluice {

[[nodiscard]] ProcessIdentity identity_of(const Workers& workers);

// Renews the row of this process in sluice.process each two seconds, on a thread beside the
// workers: whatever they wait for, it goes on. Removes it when the process ends in order.
class ProcessBeat {
 public:
  // `vitals` outlives this.
  ProcessBeat(const std::string& postgres, ProcessIdentity identity, Vitals& vitals);

 private:
  void run(const std::stop_token& stop);
  void beat();

  ProcessRow row_;
  Vitals& vitals_;
  std::string trouble_;  // why the last beat was not heard
  std::jthread thread_;  // the last: it uses what is before it
};

}  // namespace sluice
