#include "storage/kafka/fetched.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "storage/base/errors.h"
#include "storage/kafka/error.h"

namespace sluice::kafka {
namespace {

constexpr std::size_t kBatch = 4096;
constexpr std::uint64_t kOne = 1;

int new_eventfd() {
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (fd < 0) {
    throw Retryable("making a descriptor to wait with: " + std::generic_category().message(errno) +
                    "; does `ulimit -n` leave room?");
  }
  return fd;
}

}  // namespace

Fetched::Fetched(rd_kafka_t* client)
    : client_(client),
      wakeup_(new_eventfd()),
      events_(rd_kafka_queue_get_consumer(client)),
      records_(rd_kafka_queue_new(client)) {
  check(rd_kafka_poll_set_consumer(client), "taking a client's events");
  rd_kafka_queue_io_event_enable(events_.get(), wakeup_, &kOne, sizeof kOne);
  rd_kafka_queue_io_event_enable(records_.get(), wakeup_, &kOne, sizeof kOne);
}

Fetched::~Fetched() {
  release();
  rd_kafka_queue_io_event_enable(records_.get(), -1, nullptr, 0);
  rd_kafka_queue_io_event_enable(events_.get(), -1, nullptr, 0);
  ::close(wakeup_);
}

void Fetched::gather(const std::string& topic, Partition partition) {
  const Queue own(rd_kafka_queue_get_partition(client_, topic.c_str(), partition.value));
  rd_kafka_queue_forward(own.get(), records_.get());
}

std::span<rd_kafka_message_t* const> Fetched::take() {
  release();
  batch_.resize(kBatch);
  // With a time-out this would wait until the batch is full.
  const auto taken = rd_kafka_consume_batch_queue(records_.get(), 0, batch_.data(), batch_.size());
  batch_.resize(taken > 0 ? static_cast<std::size_t>(taken) : 0);
  return batch_;
}

void Fetched::release() {
  for (rd_kafka_message_t* message : batch_) rd_kafka_message_destroy(message);
  batch_.clear();
}

Event Fetched::event() { return Event(rd_kafka_queue_poll(events_.get(), 0)); }

bool Fetched::wait(std::chrono::steady_clock::time_point deadline) const {
  using std::chrono::milliseconds;
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
  if (left <= milliseconds{0}) return false;
  pollfd waiting{.fd = wakeup_, .events = POLLIN, .revents = 0};
  constexpr milliseconds kLongest{60'000};  // poll() counts in int
  if (::poll(&waiting, 1, static_cast<int>(std::min(left, kLongest).count())) > 0) {
    std::uint64_t count = 0;
    static_cast<void>(::read(wakeup_, &count, sizeof count));
  }
  return true;
}

}  // namespace sluice::kafka
