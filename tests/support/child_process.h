#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluice::testing {

// A program that a test has started. It is killed when this object goes, and by the kernel when the
// thread that started it dies, however that dies: nothing is left behind.
class ChildProcess {
 public:
  // `arguments[0]` is looked up in PATH. Its stdout and stderr are appended to `output`; stdin is
  // empty. Throws when it cannot be started.
  ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& output);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  void signal(int number) const;

  // The wait status (see waitpid) once it has ended; nullopt while it runs.
  [[nodiscard]] std::optional<int> ended();
  // Throws when it still runs at the deadline.
  int wait(std::chrono::milliseconds deadline);

  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
  std::optional<int> status_;
};

}  // namespace sluice::testing
