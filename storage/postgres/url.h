#pragma once

// URLs of Postgres, and who may use them.

#include <string>
#include <string_view>

namespace sluice {

// For a part of a URL.
[[nodiscard]] std::string percent_encoded(std::string_view text);

// `url`, or a connection string of keywords, as it was given, without the passwords in it.
[[nodiscard]] std::string without_password(const std::string& url);

// `url` with a session's settings as libpq's `options` has them; one that has its own keeps them.
[[nodiscard]] std::string with_session_options(const std::string& url, std::string_view options);

// `url` for readers: its sessions write nothing, and have the rights of sluice_reader where its
// user is one. No wall, since its user may do more: a login of its own that is IN ROLE
// sluice_reader is one. Says so in the log where the role is missing or not to be had. Asks the
// database.
[[nodiscard]] std::string reader_url(const std::string& url);

}  // namespace sluice
