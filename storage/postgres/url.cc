#include "storage/postgres/url.h"

#include <spdlog/spdlog.h>

#include <cctype>
#include <regex>

#include "storage/postgres/connection.h"

namespace sluice {

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) {
      encoded += c;
      continue;
    }
    encoded += '%';
    encoded += kDigits[byte >> 4];
    encoded += kDigits[byte & 15];
  }
  return encoded;
}

std::string without_password(const std::string& url) {
  const auto scheme = url.find("://");
  if (scheme == std::string::npos) {
    // A value in quotes may hold anything, a quote behind a backslash too.
    static const std::regex keyword(R"(\s*\b(ssl)?password\s*=\s*('(\\.|[^'\\])*'|\S*))");
    return std::regex_replace(url, keyword, "");
  }
  // As libpq reads it: a password ends with the first "@" or "/".
  const auto user = scheme + 3;
  const auto authority = std::min(url.find('/', user), url.size());
  const auto at = url.find('@', user);
  const auto colon = url.find(':', user);
  std::string kept = url;
  if (at < authority && colon < at) kept.erase(colon, at - colon);
  static const std::regex parameter(R"(([?&])(ssl)?password=[^&]*(&|$))");
  for (std::smatch found; std::regex_search(kept, found, parameter);) {
    const std::string between = found[3].length() > 0 ? found[1].str() : "";
    kept = found.prefix().str() + between + found.suffix().str();
  }
  return kept;
}

std::string with_session_options(const std::string& url, std::string_view options) {
  if (url.find("options=") != std::string::npos) return url;
  const bool is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
  if (!is_url) return url + " options='" + std::string(options) + "'";
  return url + (url.find('?') == std::string::npos ? "?" : "&") +
         "options=" + percent_encoded(options);
}

std::string reader_url(const std::string& url) {
  // MEMBER is what SET ROLE asks for; of a role that is not there it would be an error.
  const PgResult found = PgConnection(url).run(
      "SELECT current_user, pg_has_role(oid, 'MEMBER') FROM pg_roles "
      "WHERE rolname = 'sluice_reader'");
  const bool is_reader = found.rows() == 1 && found.text(0, 1) == "t";
  if (!is_reader) {
    spdlog::warn(
        "the reader's URL has the rights of --postgres, only its sessions do not write: {}",
        found.rows() == 0
            ? "an administrator makes the role (CREATE ROLE sluice_reader), then run "
              "`sluice schema apply`"
            : "GRANT sluice_reader TO \"" + std::string(found.text(0, 0)) + "\" changes that");
  }
  return with_session_options(url, std::string(is_reader ? "-c role=sluice_reader " : "") +
                                       "-c default_transaction_read_only=on");
}

}  // namespace sluice
