#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {

// True when the jars of a broker are there. Else prints "SKIPPED (no Kafka jars): <test name>" and
// is false, or fails the test where SLUICE_REQUIRE_KAFKA=1. Called first in a test that needs
// Kafka.
[[nodiscard]] bool kafka_or_skip();

// A real broker of the test's own, on loopback, with its data in a temporary folder. Used by one
// thread, and dies with it.
class KafkaBroker {
 public:
  enum class Stop { term, kill };

  // Starts, and returns when it serves. `properties` ("key=value") are added to its settings.
  explicit KafkaBroker(std::vector<std::string> properties = {});

  [[nodiscard]] const std::string& bootstrap() const { return bootstrap_; }
  [[nodiscard]] std::filesystem::path data() const { return dir_.path() / "broker" / "data"; }

  void stop(Stop how);
  // Again, on the same data and port.
  void start();

  // Stands still, connections open (SIGSTOP); and goes on.
  void pause();
  void resume();

 private:
  TempDir dir_;
  std::vector<std::string> properties_;
  std::uint16_t port_;
  std::string bootstrap_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace sluice::testing
