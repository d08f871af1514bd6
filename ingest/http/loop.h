#pragma once

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>

#include "ingest/http/message.h"
#include "storage/base/mutex.h"

namespace sluice::http {

class Connection;

inline constexpr std::string_view kTooManyConnections = "There are too many connections.";

// What all loops of a server share.
struct Service {
  Limits limits;
  Handler handler;
  ErrorPage error_page;
  std::atomic<std::size_t> open_connections{0};
  std::shared_ptr<MemoryLedger> memory;
  Mutex mutex;  // of all_closed alone
  ConditionVariable all_closed;
};

// One thread, its connections, and the one timer that looks after their deadlines. A Responder
// keeps its loop alive, past its server if need be; nothing in a loop's own queue does.
class Loop : public std::enable_shared_from_this<Loop> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  static constexpr std::size_t kScratch = 64 * 1024;
  static constexpr std::chrono::milliseconds kTick{100};

  explicit Loop(std::shared_ptr<Service> service);
  ~Loop();

  // From any thread.
  void start();
  void adopt(Socket socket, bool refused);
  void answer(std::uint64_t connection, std::uint64_t request, Response&& response);
  void drain();
  void stop();  // joins
  boost::asio::io_context& context() { return context_; }
  Service& service() { return *service_; }

  // On the loop's thread.
  bool draining() const { return draining_; }
  std::string_view date() const { return date_; }
  // Read into and emptied within one call: connections that wait hold no buffer.
  std::array<char, kScratch>& scratch() { return scratch_; }
  void forget(std::uint64_t connection);

 private:
  void adopt_here(Socket socket, bool refused);
  std::shared_ptr<Connection> find(std::uint64_t connection) const;
  void tick();
  void refresh_date();
  void for_each(const std::function<void(Connection&)>& visit);

  std::shared_ptr<Service> service_;
  boost::asio::io_context context_{1};
  boost::asio::steady_timer timer_{context_};
  std::unordered_map<std::uint64_t, std::shared_ptr<Connection>> connections_;
  std::uint64_t next_connection_ = 0;
  std::int64_t date_second_ = 0;
  std::string date_;
  bool draining_ = false;
  bool stopped_ = false;
  std::array<char, kScratch> scratch_;
  std::thread thread_;
};

}  // namespace sluice::http
