#include "tests/support/kafka_broker.h"

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string_view>

#include "tests/support/eventually.h"
#include "tests/support/free_port.h"

namespace sluice::testing {
namespace {

constexpr auto kToServe = std::chrono::seconds(60);
constexpr auto kToEnd = std::chrono::seconds(30);
const std::string kTools = SLUICE_SOURCE_DIR "/tools/kafka/";

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// Whether all of its threads are stopped.
bool stands_still(pid_t process) {
  const std::filesystem::path threads = "/proc/" + std::to_string(process) + "/task";
  for (const auto& thread : std::filesystem::directory_iterator(threads)) {
    const std::string stat = contents(thread.path() / "stat");
    const std::size_t behind_name = stat.rfind(") ");
    if (behind_name == std::string::npos || stat[behind_name + 2] != 'T') return false;
  }
  return true;
}

}  // namespace

bool kafka_or_skip() {
  const TempDir dir;
  ChildProcess where({kTools + "fetch", "--where"}, dir.path() / "out");
  if (where.wait(kToEnd) == 0) return true;
  const char* required = std::getenv("SLUICE_REQUIRE_KAFKA");
  if (required != nullptr && std::string_view(required) == "1") {
    FAIL("SLUICE_REQUIRE_KAFKA=1 and no Kafka jars: run tools/kafka/fetch");
  }
  std::printf("SKIPPED (no Kafka jars): %s\n",
              Catch::getResultCapture().getCurrentTestName().c_str());
  std::fflush(stdout);
  return false;
}

KafkaBroker::KafkaBroker(std::vector<std::string> properties)
    : properties_(std::move(properties)),
      port_(free_port()),
      bootstrap_("127.0.0.1:" + std::to_string(port_)) {
  start();
}

void KafkaBroker::start() {
  if (process_) throw std::logic_error("the broker runs already");
  const std::string broker = kTools + "broker";
  const std::string home = (dir_.path() / "broker").string();
  const auto output = dir_.path() / "out";
  std::vector<std::string> run{broker, "run", home, "--port", std::to_string(port_)};
  run.insert(run.end(), {"--heap", "256m", "--jvm", "-XX:TieredStopAtLevel=1"});
  for (const std::string& property : properties_) {
    run.insert(run.end(), {"--set", property});
  }
  // Of the last run: `ready` reads them.
  std::filesystem::remove(dir_.path() / "broker" / "log");
  std::filesystem::remove(dir_.path() / "broker" / "pid");
  process_ = std::make_unique<ChildProcess>(run, output);

  ChildProcess ready({broker, "ready", home, "--within", std::to_string(kToServe.count())}, output);
  const bool finished =
      eventually([&] { return ready.ended() || process_->ended(); }, kToServe + kToEnd);
  if (!finished || process_->ended() || ready.wait(kToEnd) != 0) {
    throw std::runtime_error("no Kafka broker: " + contents(output) +
                             contents(dir_.path() / "broker" / "log"));
  }
}

void KafkaBroker::stop(Stop how) {
  process_->signal(how == Stop::term ? SIGTERM : SIGKILL);
  process_->wait(kToEnd);
  process_.reset();
}

// The signal is under way while threads on other processors still answer.
void KafkaBroker::pause() {
  process_->signal(SIGSTOP);
  REQUIRE(eventually([&] { return stands_still(process_->pid()); }));
}
void KafkaBroker::resume() { process_->signal(SIGCONT); }

}  // namespace sluice::testing
