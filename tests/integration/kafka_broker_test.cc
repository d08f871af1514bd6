#include "tests/support/kafka_broker.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

namespace sluice::testing {
namespace {

bool connects(const std::string& bootstrap) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port =
      htons(static_cast<std::uint16_t>(std::stoi(bootstrap.substr(bootstrap.find(':') + 1))));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected =
      ::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  ::close(socket);
  return connected;
}

TEST_CASE("a test's broker serves, dies, comes back on its port, and leaves nothing behind") {
  if (!kafka_or_skip()) return;
  std::string bootstrap;
  std::filesystem::path data;
  {
    KafkaBroker broker({"num.partitions=7"});
    bootstrap = broker.bootstrap();
    data = broker.data();
    CHECK(connects(bootstrap));
    CHECK(std::filesystem::exists(data / "meta.properties"));
    broker.stop(KafkaBroker::Stop::kill);
    CHECK_FALSE(connects(bootstrap));
    broker.start();
    CHECK(broker.bootstrap() == bootstrap);
    CHECK(connects(bootstrap));
    broker.stop(KafkaBroker::Stop::term);
    broker.start();
    CHECK(connects(bootstrap));
  }
  CHECK_FALSE(connects(bootstrap));
  CHECK_FALSE(std::filesystem::exists(data));
}

}  // namespace
}  // namespace sluice::testing
