#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "storage/base/own_folder.h"
#include "storage/postgres/private_roles.h"

namespace sluice {

// A Postgres of our own below a folder, for `sluice up` and for tests. Loopback only, with
// generated passwords. As root it runs as the user `postgres`, since the server refuses root.
class PrivateCluster {
 public:
  // Makes the cluster if there is none, takes it over from a process that was killed, gives one of
  // an earlier layout data checksums and its roles, and returns when it accepts connections. The
  // server gets SIGINT when the calling thread ends: call it from one that lives as long as the
  // process. Throws Misconfigured (says what to change) or Retryable.
  explicit PrivateCluster(const std::filesystem::path& folder);
  ~PrivateCluster();
  PrivateCluster(const PrivateCluster&) = delete;
  PrivateCluster& operator=(const PrivateCluster&) = delete;

  // Of the role that owns the tables, with its password; no superuser.
  [[nodiscard]] std::string url() const;
  // Of the role that only reads.
  [[nodiscard]] std::string reader_url() const;
  [[nodiscard]] pid_t pid() const { return server_; }

  // Starts the server again when it has ended by itself (a full disk, a kill), at the same address;
  // a while later each time. One that runs has settings that follow the size of its tables. Called
  // from the thread that made this, every second or so. Throws, as making this does, when it cannot
  // be started: the next call, a pause later, tries again.
  void keep_running();

  // Fast shutdown; immediate when that takes longer than its deadline. Nothing when stopped.
  void stop();

 private:
  void make();
  void start();
  void wait_until_ready();
  void fit_to_size();
  void upgrade();
  [[nodiscard]] int run_program(std::vector<std::string> words);
  [[nodiscard]] std::string last_words() const;

  const OwnFolder folder_;
  const std::filesystem::path data_;
  const std::filesystem::path programs_;
  RolePasswords passwords_;
  int port_ = 0;
  pid_t server_ = -1;
  std::chrono::steady_clock::time_point next_start_{};
  std::chrono::seconds pause_{1};
  std::chrono::steady_clock::time_point next_fit_{};
};

}  // namespace sluice
