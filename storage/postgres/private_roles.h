#pragma once

// Who may log in to a private cluster: its superuser, for what this file does and nothing else; the
// owner of the tables, for commands and operators; a reader, for applications and psql.

#include <string>

namespace sluice {

struct RolePasswords {
  std::string superuser;
  std::string owner;
  std::string reader;
};

inline constexpr const char* kSuperuserRole = "postgres";
inline constexpr const char* kOwnerRole = "sluice";
inline constexpr const char* kReaderRole = "sluice_read";

[[nodiscard]] std::string private_url(const char* role, const std::string& password, int port);

// Makes the roles and gives them their passwords. The owner owns every database and may not become
// more; the reader sees what sluice_reader sees, and can change nothing. In a cluster of the
// former layout the owner's name and password were the superuser's: that role is renamed, and all
// that it owned is given to the owner, so that URLs that were handed out go on working.
void prepare_private_roles(int port, const RolePasswords& passwords);

// Whether the pages of the cluster carry checksums.
[[nodiscard]] bool has_checksums(int port, const RolePasswords& passwords);

}  // namespace sluice
