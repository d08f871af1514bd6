#include "ingest/http/connection.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>

#include "ingest/http/loop.h"

namespace sluice::http {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

// Replies not yet written, before no further pipelined request is begun.
constexpr std::size_t kMaxUnsent = 64 * 1024;
// Kept from one request to the next; what grew larger is given back.
constexpr std::size_t kKeptMemory = 2 * 1024;
// Of a connection without its buffers: itself, its place in tables, Asio's state of its socket.
constexpr std::size_t kOwnMemory = 2 * 1024;

void empty(std::string& text) {
  if (text.capacity() > kKeptMemory) std::string().swap(text);
  text.clear();
}

bool is_wait(const error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again ||
         error == asio::error::interrupted;
}

}  // namespace

Connection::Connection(Loop& loop, asio::ip::tcp::socket socket, std::uint64_t id)
    : loop_(loop),
      socket_(std::move(socket)),
      id_(id),
      memory_(loop.service().memory),
      body_(loop.service().limits, loop.service().memory) {
  // A client gone already has no address; the next read says so.
  error_code ignored;
  const auto remote = socket_.remote_endpoint(ignored);
  if (!ignored) address_ = remote.address().to_string();
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

void Connection::begin() { flush_and_wait(); }

void Connection::wait_readable() {
  if (waits_readable_) return;
  waits_readable_ = true;
  socket_.async_wait(asio::socket_base::wait_read, [self = shared_from_this()](error_code) {
    self->waits_readable_ = false;
    self->on_readable();
  });
}

void Connection::wait_writable() {
  if (waits_writable_) return;
  waits_writable_ = true;
  socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](error_code) {
    self->waits_writable_ = false;
    self->on_writable();
  });
}

void Connection::on_readable() {
  const bool reads = stage_ == Stage::kHead || stage_ == Stage::kBody;
  if (!(reads && out_.empty()) && stage_ != Stage::kLingering) return;
  error_code error;
  const std::size_t size = socket_.read_some(asio::buffer(loop_.scratch()), error);
  if (is_wait(error)) return wait_readable();
  // A request cut short ends here, unseen by any handler.
  if (error) return close();
  if (stage_ == Stage::kLingering) return discard(size);
  process({loop_.scratch().data(), size});
}

void Connection::discard(std::size_t size) {
  discarded_ += size;
  if (discarded_ > loop_.service().limits.max_body) return close();
  wait_readable();
}

void Connection::on_writable() {
  if (stage_ == Stage::kClosed || !flush()) return;
  if (awaited_ == Awaited::kWrite) await_nothing();
  process({});
}

void Connection::process(std::string_view fresh) {
  const bool kept = !in_.empty();
  if (kept && !fresh.empty()) {
    in_.erase(0, in_at_);
    in_at_ = 0;
    in_.append(fresh);
  }
  std::string_view input = kept ? std::string_view(in_).substr(in_at_) : fresh;
  dispatching_ = true;
  take(input);
  dispatching_ = false;
  if (input.empty()) {
    empty(in_);
    in_at_ = 0;
  } else if (kept) {
    in_at_ = in_.size() - input.size();
  } else {
    in_.assign(input);
  }
  flush_and_wait();
}

void Connection::take(std::string_view& input) {
  while (stage_ == Stage::kHead || stage_ == Stage::kBody) {
    if (out_.size() - sent_ >= kMaxUnsent && !flush()) return;
    if (stage_ == Stage::kHead && !take_head(input)) return;
    if (!take_body(input)) return;
    dispatch();
  }
}

// False: more is needed, or the head is refused.
bool Connection::take_head(std::string_view& input) {
  const std::size_t max_head = loop_.service().limits.max_head;
  reply_to_ = {};
  const auto found = scanner_.scan(input.substr(0, max_head));
  if (found == HeadScanner::Found::kMalformed) {
    append_refusal(400, "The head has a control character or a line that does not end in CRLF.");
    return false;
  }
  if (found == HeadScanner::Found::kNeedMore) {
    if (input.size() >= max_head) append_refusal(431, "The head is over the limit.");
    return false;
  }
  const auto refusal = request_.head.parse(input.substr(0, scanner_.size()));
  input.remove_prefix(scanner_.size());
  scanner_.reset();
  reply_to_.head_only = request_.head.method() == "HEAD";
  if (refusal) {
    append_refusal(refusal->status, refusal->detail);
    return false;
  }
  begin_body(!input.empty());
  return stage_ == Stage::kBody;
}

void Connection::begin_body(bool body_is_here) {
  const RequestHead& head = request_.head;
  reply_to_.minor_version = head.minor_version();
  reply_to_.keep_alive = head.keep_alive();
  empty(request_.body);
  if (!body_.begin(request_)) {
    return append_refusal(body_.refusal().status, body_.refusal().detail);
  }
  stage_ = Stage::kBody;
  if (head.expect_continue() && body_.expected() && !body_is_here) out_.append(kContinue);
}

// True: whole.
bool Connection::take_body(std::string_view& input) {
  const auto found = body_.take(request_, input);
  if (found == RequestBody::Found::kRefused) {
    append_refusal(body_.refusal().status, body_.refusal().detail);
  }
  return found == RequestBody::Found::kWhole;
}

void Connection::release_body() {
  body_.reset();
  empty(request_.body);
  request_.memory.set(0);
}

void Connection::count_memory() {
  const auto held = [this] {
    return kOwnMemory + in_.capacity() + out_.capacity() + request_.head.memory();
  };
  if (memory_.resize(held())) return;
  if ((stage_ == Stage::kHead || stage_ == Stage::kBody) && out_.empty()) {
    append_refusal(503, "There is no memory left for this request.");
  } else if (stage_ == Stage::kHandling) {
    // What was sent behind this request is not begun, and its client told so by the closing.
    std::string().swap(in_);
    in_at_ = 0;
    reply_to_.keep_alive = false;
  }
  memory_.set(held());
}

void Connection::dispatch() {
  request_.method = reply_to_.head_only ? "GET" : request_.head.method();
  request_.path = request_.head.path();
  request_.query = request_.head.query();
  request_.address = address_;
  stage_ = Stage::kHandling;
  await_nothing();
  loop_.service().handler(std::move(request_),
                          Responder(loop_.shared_from_this(), id_, ++request_number_));
  // What the handler has not kept.
  empty(request_.body);
  request_.memory.set(0);
}

void Connection::answer(std::uint64_t request, const Response& response) {
  if (stage_ != Stage::kHandling || request != request_number_) return;
  if (response.close || loop_.draining()) reply_to_.keep_alive = false;
  append_reply(out_, response, reply_to_, loop_.date());
  stage_ = reply_to_.keep_alive ? Stage::kHead : Stage::kClosing;
  if (!dispatching_) process({});
}

void Connection::append_refusal(int status, std::string_view detail) {
  release_body();
  reply_to_.keep_alive = false;
  append_reply(out_, loop_.service().error_page(status, detail), reply_to_, loop_.date());
  stage_ = Stage::kClosing;
  await_nothing();
}

void Connection::refuse(int status, std::string_view detail) {
  append_refusal(status, detail);
  flush_and_wait();
}

bool Connection::flush() {
  while (sent_ < out_.size()) {
    error_code error;
    sent_ += socket_.write_some(asio::buffer(out_) + sent_, error);
    if (is_wait(error)) {
      wait_writable();
      return false;
    }
    if (error) {
      close();
      return false;
    }
  }
  empty(out_);
  sent_ = 0;
  return true;
}

void Connection::flush_and_wait() {
  if (stage_ == Stage::kClosed) return;
  if (stage_ != Stage::kBody && stage_ != Stage::kHandling) {
    empty(request_.body);
    request_.head.shrink(kKeptMemory);
  }
  const Limits& limits = loop_.service().limits;
  bool flushed = flush();
  if (stage_ == Stage::kClosed) return;
  count_memory();
  if (flushed && !out_.empty()) flushed = flush();
  if (!flushed) {
    if (stage_ != Stage::kClosed) await(Awaited::kWrite, limits.write_timeout);
    return;
  }
  switch (stage_) {
    case Stage::kHead:
      if (loop_.draining()) drain();
      if (stage_ == Stage::kClosed) return;
      if (in_.empty()) {
        await(Awaited::kFirstByte, limits.idle_timeout);
      } else {
        await(Awaited::kRequest, limits.request_timeout);
      }
      return wait_readable();
    case Stage::kBody:
      await(Awaited::kRequest, limits.request_timeout);
      return wait_readable();
    case Stage::kClosing:
      return linger();
    case Stage::kHandling:
    case Stage::kLingering:
    case Stage::kClosed:
      return;
  }
}

void Connection::linger() {
  stage_ = Stage::kLingering;
  empty(in_);
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  await(Awaited::kClose, loop_.service().limits.linger_timeout);
  wait_readable();
}

// What is awaited already keeps its deadline: bytes that trickle do not move it.
void Connection::await(Awaited what, std::chrono::milliseconds timeout) {
  if (awaited_ == what) return;
  awaited_ = what;
  deadline_ = Clock::now() + timeout;
}

void Connection::await_nothing() {
  awaited_ = Awaited::kNothing;
  deadline_ = Clock::time_point::max();
}

void Connection::expire() {
  const bool begun = stage_ == Stage::kBody || scanner_.started();
  if (awaited_ != Awaited::kRequest || !begun) return close();
  reply_to_ = {};
  refuse(408, "The request was not whole in time.");
}

void Connection::drain() {
  if (stage_ != Stage::kHead || !in_.empty() || !out_.empty()) return;
  // A request may lie with the kernel, sent before the client could know.
  error_code ignored;
  if (socket_.available(ignored) == 0) close();
}

void Connection::close() {
  if (stage_ == Stage::kClosed) return;
  stage_ = Stage::kClosed;
  deadline_ = Clock::time_point::max();
  release_body();
  error_code ignored;
  socket_.close(ignored);
  memory_.set(0);
  loop_.forget(id_);
}

}  // namespace sluice::http
