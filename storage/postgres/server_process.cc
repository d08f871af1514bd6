#include "storage/postgres/server_process.h"

#include <arpa/inet.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <thread>

#include "storage/base/errors.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kEnvironment[] = {"PATH=/usr/bin:/bin", nullptr};

// A zombie is not running, and has no program any more.
bool is_running(pid_t process) {
  std::error_code gone;
  const fs::path program = fs::read_symlink("/proc/" + std::to_string(process) + "/exe", gone);
  return !gone && !program.empty();
}

bool gone_within(pid_t process, std::chrono::seconds limit, bool ours) {
  const auto deadline = Clock::now() + limit;
  while (Clock::now() < deadline) {
    if (ours ? waitpid(process, nullptr, WNOHANG) != 0 : !is_running(process)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

std::optional<ServerUser> server_user() {
  if (geteuid() != 0) return std::nullopt;
  const passwd* entry = getpwnam("postgres");
  if (!entry) throw Misconfigured("there is no user postgres: install the package postgresql");
  return ServerUser{entry->pw_uid, entry->pw_gid};
}

fs::path find_postgres_programs() {
  fs::path newest;
  int version = 14;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int number = std::atoi(entry.path().filename().c_str());
    const fs::path programs = entry.path() / "bin";
    if (number > version && fs::exists(programs / "initdb") && fs::exists(programs / "postgres")) {
      version = number;
      newest = programs;
    }
  }
  if (!newest.empty()) return newest;
  const char* path = std::getenv("PATH");
  std::string folders = path ? path : "";
  for (std::size_t end = 0; !folders.empty(); folders.erase(0, end + 1)) {
    end = std::min(folders.find(':'), folders.size() - 1);
    fs::path folder = folders.substr(0, folders[end] == ':' ? end : end + 1);
    if (fs::exists(folder / "initdb") && fs::exists(folder / "postgres")) return folder;
  }
  throw Misconfigured("no Postgres 15 or newer here: install the package postgresql");
}

// Everything is prepared before the fork, since other threads may hold locks then.
pid_t spawn_server(std::vector<std::string> words, int output, bool dies_with_us) {
  const std::optional<ServerUser> user = server_user();
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    // A terminal's Ctrl-C is for us: we stop the server after our last flush.
    setpgid(0, 0);
    if (user && (setgroups(0, nullptr) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0)) {
      _exit(126);
    }
    // After setuid, which clears it.
    if (dies_with_us) prctl(PR_SET_PDEATHSIG, SIGINT);
    if (dies_with_us && getppid() != parent) _exit(126);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (chdir("/") != 0) _exit(126);
    execve(arguments[0], arguments.data(), const_cast<char* const*>(kEnvironment));
    _exit(127);
  }
  if (child < 0)
    throw Retryable(std::string("cannot start ") + arguments[0] + " (" + std::strerror(errno) +
                    ")");
  return child;
}

int run_server_program(std::vector<std::string> words, int output) {
  const pid_t program = spawn_server(std::move(words), output, false);
  int status = 0;
  while (waitpid(program, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

void shut_down_server(pid_t process, bool ours) {
  kill(process, SIGINT);
  if (gone_within(process, std::chrono::seconds(30), ours)) return;
  kill(process, SIGQUIT);
  if (gone_within(process, std::chrono::seconds(10), ours)) return;
  throw Retryable("a Postgres of an earlier start does not stop: end its process " +
                  std::to_string(process));
}

// The server of a process of ours that was killed: really a postmaster, and in this folder.
void shut_down_left_over(const fs::path& data) {
  pid_t process = 0;
  std::ifstream(data / "postmaster.pid") >> process;
  if (process <= 1) return;
  const fs::path about = "/proc/" + std::to_string(process);
  std::error_code none;
  const bool here = fs::equivalent(fs::read_symlink(about / "cwd", none), data, none);
  const bool postgres = fs::read_symlink(about / "exe", none).filename() == "postgres";
  if (here && postgres) shut_down_server(process, false);
}

int free_loopback_port(int wanted) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(wanted));
  void* const any = &address;
  socklen_t size = sizeof address;
  const bool bound = bind(probe, static_cast<sockaddr*>(any), size) == 0 &&
                     getsockname(probe, static_cast<sockaddr*>(any), &size) == 0;
  close(probe);
  if (bound) return ntohs(address.sin_port);
  if (wanted == 0) throw Retryable("there is no free port on loopback for the private Postgres");
  return free_loopback_port(0);
}

void make_reachable(const fs::path& folder) {
  if (!server_user()) return;
  constexpr int kOurs = 2;
  int depth = 0;
  for (fs::path above = fs::absolute(folder); above != above.root_path();
       above = above.parent_path(), ++depth) {
    struct stat status {};
    if (stat(above.c_str(), &status) != 0 || (status.st_mode & S_IXOTH) != 0) continue;
    const bool opened = depth < kOurs && status.st_uid == geteuid() &&
                        chmod(above.c_str(), (status.st_mode & 07777) | S_IXGRP | S_IXOTH) == 0;
    if (opened) continue;
    throw Misconfigured("the user postgres cannot pass through " + above.string() +
                        ": chmod o+x it, or choose another folder");
  }
}

}  // namespace sluice
