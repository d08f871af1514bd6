#pragma once

#include <string>

namespace sluice::testing {

// The URL of an empty database on a private cluster, for its owner: one cluster a program, one
// database a test.
[[nodiscard]] std::string fresh_database();

// The same database, for the cluster's superuser.
[[nodiscard]] std::string superuser_of(const std::string& url);

// The same database, for another user.
[[nodiscard]] std::string as_user(const std::string& url, const std::string& user,
                                  const std::string& password);

}  // namespace sluice::testing
