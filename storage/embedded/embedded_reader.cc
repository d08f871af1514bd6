#include "storage/embedded/embedded_reader.h"

#include <algorithm>

#include "storage/base/check.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr std::size_t kMostRecords = 5000;
constexpr std::size_t kMostBytes = std::size_t{4} << 20;

}  // namespace

EmbeddedReader::EmbeddedReader(EmbeddedLog& log, const embedded::Stream& stream,
                               std::vector<Partition> partitions, Ownership& ownership)
    : log_(log),
      stream_(stream),
      ownership_(ownership),
      to_acquire_(partitions.rbegin(), partitions.rend()) {}

std::span<const LogRecord> EmbeddedReader::poll(std::chrono::milliseconds timeout) {
  taken_.clear();
  bytes_.clear();
  log_.recover();
  acquire();
  if (!look_for_records(timeout)) return {};
  for (std::size_t i = 0; i < held_.size() && !full(); ++i) {
    take(held_[(first_ + i) % held_.size()]);
  }
  ++first_;
  move_on();
  borrow_from_bytes();
  return taken_;
}

void EmbeddedReader::seek(Partition partition, Offset position) {
  Held& found = held(partition);
  found.position = position;
  found.unreadable = false;
}

void EmbeddedReader::pause(Partition partition, bool paused) { held(partition).paused = paused; }

bool EmbeddedReader::caught_up(Partition partition) {
  const Held& asked = held(partition);
  if (asked.paused || asked.unreadable) return false;
  const embedded::Tail tail = log_.tail(stream_, asked.partition);
  return tail.damage.empty() && asked.position == tail.next;
}

Offset EmbeddedReader::end(Partition partition) {
  return log_.tail(stream_, held(partition).partition).next;
}

void EmbeddedReader::acquire() {
  while (!to_acquire_.empty()) {
    const Partition partition = to_acquire_.back();
    // Held only once acquired() returns: what throws there is asked again by the next poll.
    const Offset position = ownership_.acquired(partition);
    held_.push_back({partition, position});
    to_acquire_.pop_back();
  }
}

bool EmbeddedReader::look_for_records(std::chrono::milliseconds timeout) {
  return log_.wait_until(
      [&] {
        bool found = false;
        for (Held& held : held_) {
          held.taken = held.position;
          const auto& tail = stream_.durable[static_cast<std::size_t>(held.partition.value)];
          held.end = tail.next;
          held.ends_sound = tail.damage.empty();
          const bool more = held.position != held.end || !held.ends_sound;
          found |= more && !held.paused && !held.unreadable;
        }
        return found;
      },
      timeout);
}

void EmbeddedReader::take(Held& held) {
  if (held.paused || held.unreadable) return;
  if (held.position == held.end) return held.ends_sound ? void() : tell_of_lost_end(held);
  if (held.position < Offset{0} || held.position > held.end) {
    held.unreadable = true;
    throw Unreadable(held.partition, Unreadable::Cause::no_position,
                     "partition " + std::to_string(held.partition.value) + " of " + stream_.name +
                         " ends at " + std::to_string(held.end.value) + ", before position " +
                         std::to_string(held.position.value));
  }
  const auto damage =
      log_.read(stream_, held.partition, held.position, held.end, [&](const LogRecord& record) {
        if (full()) return false;
        bytes_.append(record.key).append(record.value);
        taken_.push_back(record);
        held.taken = record.offset.next();
        return true;
      });
  // What lies before it comes first, and this poll's records of others are not dropped with it.
  if (!damage || !taken_.empty()) return;
  held.unreadable = true;
  throw Unreadable(held.partition, Unreadable::Cause::damage, *damage);
}

void EmbeddedReader::tell_of_lost_end(Held& held) {
  if (!taken_.empty()) return;
  held.unreadable = true;
  throw Unreadable(held.partition, Unreadable::Cause::damage,
                   log_.tail(stream_, held.partition).damage);
}

void EmbeddedReader::move_on() {
  for (Held& held : held_) held.position = held.taken;
}

void EmbeddedReader::borrow_from_bytes() {
  std::string_view rest = bytes_;
  for (LogRecord& record : taken_) {
    record.key = rest.substr(0, record.key.size());
    rest.remove_prefix(record.key.size());
    record.value = rest.substr(0, record.value.size());
    rest.remove_prefix(record.value.size());
  }
}

bool EmbeddedReader::full() const {
  return taken_.size() >= kMostRecords || bytes_.size() >= kMostBytes;
}

EmbeddedReader::Held& EmbeddedReader::held(Partition partition) {
  const auto found = std::find_if(held_.begin(), held_.end(),
                                  [&](const Held& h) { return h.partition == partition; });
  CHECK(found != held_.end(), "a reader is asked only about partitions that it has");
  return *found;
}

}  // namespace sluice
