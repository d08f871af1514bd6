#pragma once

#include <cstdint>
#include <string>

namespace sluice {

struct ListenAddress {
  std::string host;
  std::uint16_t port = 0;  // 0: any that is free
};

// Of "127.0.0.1:8080" or "[::1]:8080". Throws Misconfigured.
[[nodiscard]] ListenAddress parse_listen(const std::string& listen);

// A URL that a client on this machine can use: "any" is no place to connect to.
[[nodiscard]] std::string http_url(const ListenAddress& address);

// One line in the log when others than this machine can reach the address: nobody is asked yet who
// they are.
void warn_of_strangers(const ListenAddress& address);

}  // namespace sluice
