#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "ingest/http/head_scanner.h"
#include "ingest/http/memory_ledger.h"
#include "ingest/http/message.h"
#include "ingest/http/reply.h"
#include "ingest/http/request_body.h"

namespace sluice::http {

class Loop;

// One client, on its loop's thread. Reads one request, waits for its answer, writes it; what the
// client sends meanwhile stays with the kernel, but for what came in the same read. The socket is
// only ever waited for, never read into memory that has to lie ready.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using Clock = std::chrono::steady_clock;

  Connection(Loop& loop, boost::asio::ip::tcp::socket socket, std::uint64_t id);

  void begin();
  // Answers with an error page, and closes once the client has read it or has had time to.
  void refuse(int status, std::string_view detail);
  // Ignored unless it is the answer that is waited for.
  void answer(std::uint64_t request, const Response& response);
  // Within a handler that this connection called.
  bool dispatching() const { return dispatching_; }

  bool due(Clock::time_point now) const { return now >= deadline_; }
  void expire();
  // Closes at once where no request has begun, else after the reply.
  void drain();
  void close();

 private:
  enum class Stage { kHead, kBody, kHandling, kClosing, kLingering, kClosed };
  enum class Awaited { kNothing, kFirstByte, kRequest, kWrite, kClose };

  void wait_readable();
  void wait_writable();
  void on_readable();
  void on_writable();
  void discard(std::size_t size);

  void process(std::string_view fresh);
  void take(std::string_view& input);
  bool take_head(std::string_view& input);
  bool take_body(std::string_view& input);
  void begin_body(bool body_is_here);
  void release_body();
  // Of what is read and what is to be sent; refuses what has not begun where there is no more.
  void count_memory();
  void dispatch();
  void append_refusal(int status, std::string_view detail);

  // Writes what the kernel takes; whether that was all.
  bool flush();
  // After anything: write, then wait for what comes next.
  void flush_and_wait();
  void linger();
  void await(Awaited what, std::chrono::milliseconds timeout);
  void await_nothing();

  Loop& loop_;
  boost::asio::ip::tcp::socket socket_;
  std::uint64_t id_;
  std::string address_;

  Stage stage_ = Stage::kHead;
  bool dispatching_ = false;
  bool waits_readable_ = false;
  bool waits_writable_ = false;
  Awaited awaited_ = Awaited::kNothing;
  Clock::time_point deadline_ = Clock::time_point::max();

  // Read and not yet taken, from in_at_ on: part of a head, or requests after the current one.
  std::string in_;
  std::size_t in_at_ = 0;
  std::string out_;
  std::size_t sent_ = 0;
  std::size_t discarded_ = 0;

  HeadScanner scanner_;
  MemoryShare memory_;  // of the connection itself, its input and its output
  RequestBody body_;
  Request request_;
  std::uint64_t request_number_ = 0;
  ReplyTo reply_to_;
};

}  // namespace sluice::http
