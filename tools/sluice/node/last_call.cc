#include "tools/sluice/node/last_call.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <utility>

#include "tools/sluice/cli/pause.h"

namespace sluice {
namespace {

// Of the ten seconds that an orderly stop may take (cli/shutdown.cc): the rest is for what ends
// after the workers, such as the private Postgres.
constexpr std::chrono::milliseconds kForFlushes{7000};

}  // namespace

LastCall::LastCall(std::stop_source gives_up)
    : thread_([gives_up = std::move(gives_up)](const std::stop_token& ended) mutable {
        pause(kForFlushes, ended);
        if (ended.stop_requested()) return;
        spdlog::warn(
            "the last flush is given up, since what it waits for does not answer: nothing is lost, "
            "the next start goes on where the view is");
        gives_up.request_stop();
      }) {}

}  // namespace sluice
