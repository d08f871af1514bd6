// How records get into the log: in groups, each of which is durable before anybody sees it.

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "storage/base/errors.h"
#include "storage/embedded/embedded_log.h"
#include "storage/embedded/embedded_records.h"
#include "storage/rocksdb/rocks_status.h"

namespace sluice {
namespace {

// Bytes of records that are written at once.
constexpr std::size_t kPiece = std::size_t{1} << 20;

// The records of a group on their way to disk, in pieces.
class Pieces {
 public:
  // Borrowed.
  explicit Pieces(embedded::Records& records) : records_(records) {}

  // Gives the record its offset, or says why it has none.
  void add(embedded::Stream& stream, NewRecord& record, Time now) {
    embedded::Tail& tail = stream.written[stream.index(record.partition)];
    if (!tail.damage.empty()) {
      record.failure = std::make_shared<const AppendFailure>(
          AppendFailure{.kind = AppendFailure::Kind::not_appended, .reason = tail.damage});
      return;
    }
    tail.last_appended_at = std::max(tail.last_appended_at, now);
    embedded::encode_record({tail.last_appended_at, record.key, record.value}, value_);
    embedded::encode_record_key(stream.entry.id, record.partition, tail.next, key_);
    check(batch_.Put(key_, value_), "put a record into a batch");
    record.offset = tail.next;
    tail.next = tail.next.next();
    if (batch_.GetDataSize() >= kPiece) flush();
  }

  void flush() {
    if (batch_.Count() == 0) return;
    records_.append(batch_);
    batch_.Clear();
  }

 private:
  embedded::Records& records_;
  rocksdb::WriteBatch batch_;
  std::string key_;
  std::string value_;
};

}  // namespace

class EmbeddedWriter final : public EventWriter {
 public:
  explicit EmbeddedWriter(EmbeddedLog& log) : log_(log) {}
  std::size_t largest_record(std::string_view) override { return kNoRecordLimit; }

 protected:
  void write(std::string_view stream, std::span<NewRecord> records, Gaps) override {
    log_.append(stream, records);
  }

 private:
  EmbeddedLog& log_;
};

// On the stack of the thread that waits in append().
struct EmbeddedLog::Append {
  embedded::Stream& stream;
  std::span<NewRecord> records;
  bool done = false;
  std::exception_ptr failure;
};

std::unique_ptr<EventWriter> EmbeddedLog::writer() {
  if (secondary_) throw Misconfigured("a log that is only looked into cannot be appended to");
  return std::make_unique<EmbeddedWriter>(*this);
}

void EmbeddedLog::append(std::string_view name, std::span<NewRecord> records) {
  Append mine{stream(name), records, false, nullptr};
  for (const NewRecord& record : records) static_cast<void>(mine.stream.index(record.partition));
  if (records.empty()) return;
  MutexLock lock(mutex_);
  waiting_.push_back(&mine);
  committed_.wait(lock, [&]() SLUICE_REQUIRES(mutex_) { return mine.done || !committing_; });
  if (!mine.done) {
    const std::vector<Append*> group = std::exchange(waiting_, {});
    committing_ = true;
    const bool reopen_first = failure_ != nullptr;
    lock.unlock();
    commit(group, reopen_first);
    lock.lock();
    committing_ = false;
    committed_.notify_all();
    appended_.notify_all();
  }
  if (mine.failure) std::rethrow_exception(mine.failure);
}

void EmbeddedLog::commit(std::span<Append* const> group, bool reopen_first) {
  std::exception_ptr failure;
  try {
    if (reopen_first) reopen();
    const auto begun = std::chrono::steady_clock::now();
    write(group);
    append_times_.add(std::chrono::steady_clock::now() - begun);
  } catch (const std::exception&) {
    // What is on disk now is not known: memory must not go on from it.
    failure = std::current_exception();
  }
  const MutexLock lock(mutex_);
  failure_ = failure;
  if (!failure) publish(group);
  for (Append* append : group) {
    append->failure = failure;
    append->done = true;
  }
}

// In pieces, each durable: a large group would else be in memory once more. Where a later piece
// fails the group has failed, and what was written of it is found when the log is opened again.
void EmbeddedLog::write(std::span<Append* const> group) {
  const ReadLock access(access_);
  const Time now = clock_.now();
  Pieces pieces(*records_);
  for (Append* append : group) append->stream.written = append->stream.durable;
  for (Append* append : group) {
    for (NewRecord& record : append->records) pieces.add(append->stream, record, now);
  }
  pieces.flush();
}

// Only now, after the fsync, may readers see the records.
void EmbeddedLog::publish(std::span<Append* const> group) {
  for (Append* append : group) append->stream.durable = append->stream.written;
}

}  // namespace sluice
