#include "tools/sluice/node/process_beat.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <chrono>
#include <exception>
#include <utility>

#include "tools/sluice/cli/pause.h"
#include "tools/sluice/cli/version.h"

namespace sluice {
namespace {

constexpr std::chrono::seconds kBetweenBeats{2};

}  // namespace

ProcessIdentity identity_of(const Workers& workers) {
  const std::string& start = workers.start();
  return {.instance = start,
          .host = start.substr(0, start.find(':')),
          .pid = ::getpid(),
          .version = std::string(program_version())};
}

ProcessBeat::ProcessBeat(const std::string& postgres, ProcessIdentity identity, Vitals& vitals)
    : row_(postgres, std::move(identity)),
      vitals_(vitals),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

void ProcessBeat::run(const std::stop_token& stop) {
  auto next = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    beat();
    next = std::max(next + kBetweenBeats, std::chrono::steady_clock::now());
    pause_until(next, stop);
  }
  row_.remove();
}

// Readiness tells of a database that is away: here it is told once a change.
void ProcessBeat::beat() {
  const auto begun = std::chrono::steady_clock::now();
  const auto took = [&] { return std::chrono::steady_clock::now() - begun; };
  try {
    const PostgresVitals server = row_.server();
    vitals_.heard_of_postgres(server, took());
    row_.renew(vitals_.json());
    if (!std::exchange(trouble_, {}).empty()) spdlog::info("the process's row is renewed again");
  } catch (const std::exception& failure) {
    vitals_.heard_of_postgres(std::nullopt, took());
    if (std::exchange(trouble_, failure.what()) == failure.what()) return;
    spdlog::warn("the process's row is not renewed error=\"{}\"", trouble_);
  }
}

}  // namespace sluice
