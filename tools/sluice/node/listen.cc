#include "tools/sluice/node/listen.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <spdlog/spdlog.h>

#include <charconv>

#include "storage/base/errors.h"

namespace sluice {

ListenAddress parse_listen(const std::string& listen) {
  ListenAddress address;
  const auto colon = listen.rfind(':');
  const char* end = listen.data() + listen.size();
  const char* digits = colon == std::string::npos ? end : listen.data() + colon + 1;
  const auto [rest, error] = std::from_chars(digits, end, address.port);
  if (error != std::errc{} || rest != end || colon == 0) {
    throw Misconfigured("--listen is HOST:PORT, such as 127.0.0.1:8080, not \"" + listen + "\"");
  }
  address.host = listen.substr(0, colon);
  if (address.host.starts_with('[') && address.host.ends_with(']')) {
    address.host = address.host.substr(1, address.host.size() - 2);
  }
  if (address.host == "localhost") address.host = "127.0.0.1";
  in6_addr parsed{};
  if (::inet_pton(AF_INET, address.host.c_str(), &parsed) != 1 &&
      ::inet_pton(AF_INET6, address.host.c_str(), &parsed) != 1) {
    throw Misconfigured(
        "--listen takes an address of this machine, such as 127.0.0.1 or 0.0.0.0, "
        "not \"" +
        address.host + "\"");
  }
  return address;
}

namespace {

bool is_loopback(const std::string& host) {
  in_addr four{};
  in6_addr six{};
  constexpr std::uint32_t kLoopbackNet = 127;
  if (::inet_pton(AF_INET, host.c_str(), &four) == 1) {
    return ntohl(four.s_addr) >> 24 == kLoopbackNet;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &six) != 1) return false;
  return IN6_IS_ADDR_LOOPBACK(&six) ||
         (IN6_IS_ADDR_V4MAPPED(&six) && six.s6_addr[12] == kLoopbackNet);
}

}  // namespace

void warn_of_strangers(const ListenAddress& address) {
  if (is_loopback(address.host)) return;
  spdlog::warn(
      "listening beyond this machine address={}: whoever reaches it is taken at their word, since "
      "callers are not authenticated yet; listen on 127.0.0.1 behind a proxy that knows them",
      address.host);
}

std::string http_url(const ListenAddress& address) {
  std::string host = address.host;
  if (host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(address.port);
}

}  // namespace sluice
