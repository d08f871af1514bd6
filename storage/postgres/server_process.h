#pragma once

// The processes of a private Postgres: its server, and the programs that make and mend its folder.

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct ServerUser {
  uid_t uid;
  gid_t gid;
};

// As whom they run, since the server refuses root; nullopt: as ourselves. Misconfigured when there
// is no user postgres.
[[nodiscard]] std::optional<ServerUser> server_user();

// Where initdb and postgres are: of the newest version. Misconfigured when there are none.
[[nodiscard]] std::filesystem::path find_postgres_programs();

// Opens the folder and its parent, which are ours, so far that the server's user can pass through.
// Misconfigured where a folder above them is in the way.
void make_reachable(const std::filesystem::path& folder);

// Starts words[0] as the server's user with an environment of nothing, since ours may hold
// passwords. What it says goes to the descriptor `output`. With `dies_with_us` it gets SIGINT when
// the calling thread ends.
[[nodiscard]] pid_t spawn_server(std::vector<std::string> words, int output, bool dies_with_us);

// Runs it to its end; its exit status.
int run_server_program(std::vector<std::string> words, int output);

// Ends a server: fast; immediately when that takes longer than its deadline. `ours`: our child.
void shut_down_server(pid_t process, bool ours);

// Ends the server of a process of ours that was killed, if one runs on this folder.
void shut_down_left_over(const std::filesystem::path& data);

// The port if it is free on loopback, else another; 0 asks for any.
[[nodiscard]] int free_loopback_port(int wanted);

}  // namespace sluice
