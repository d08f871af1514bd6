// A reader as the member of a group: partitions come and go, progress is shown, it leaves.

#include <spdlog/spdlog.h>

#include <utility>

#include "storage/kafka/error.h"
#include "storage/kafka/kafka_reader.h"

namespace sluice::kafka {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kLeaveTimeout{2000};

}  // namespace

void KafkaReader::rebalance(rd_kafka_event_t* event) {
  const rd_kafka_topic_partition_list_t& partitions = *rd_kafka_event_topic_partition_list(event);
  if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    for (int i = 0; i < partitions.cnt; ++i) {
      pending_.push_back(Partition{partitions.elems[i].partition});
    }
    if (std::exchange(assignment_, Assignment::given) != Assignment::given)
      empty_since_ = Clock::now();
    if (!pending_.empty()) {
      empty_since_.reset();
      if (membership_ == Membership::static_member) rejoin_delay_->has_partitions(member_);
    }
    // The group need not wait for what Ownership does: each is added when its position is known.
    const PartitionList none(rd_kafka_topic_partition_list_new(0));
    check(rd_kafka_incremental_assign(client_.get(), none.get()), "joining the group");
    return;
  }
  if (rd_kafka_assignment_lost(client_.get()) != 0) assignment_ = Assignment::lost;
  lose(partitions);
}

// A process before this one may have gone with nothing, and its place is what we were given. What
// others have yet to let go of comes within two sessions, as a rule: one of them may have gone, and
// is waited for as long. Where there are more members than partitions, going was for nothing and
// does no harm.
void KafkaReader::leave_if_idle() {
  if (membership_ != Membership::static_member || !empty_since_) return;
  if (Clock::now() < *empty_since_ + 2 * session_of(client_.get())) return;
  empty_since_.reset();
  if (!rejoin_delay_->may_leave_idle(member_)) return;
  throw Retryable("the group " + member_.group + " has nothing for " + member_.instance +
                  ": joining it again as a new member");
}

void KafkaReader::lose(const rd_kafka_topic_partition_list_t& partitions) {
  const PartitionList assigned(rd_kafka_topic_partition_list_new(partitions.cnt));
  for (int i = 0; i < partitions.cnt; ++i) {
    const Partition partition{partitions.elems[i].partition};
    std::erase(pending_, partition);
    const auto found = held_.find(partition);
    if (found == held_.end()) continue;
    ownership_.lost(partition);
    // librdkafka keeps a pause through a loss: the partition would come back silent.
    if (found->second.paused) {
      const PartitionList paused = listed(partition, found->second.next);
      check(rd_kafka_resume_partitions(client_.get(), paused.get()), "resuming " + at(partition));
    }
    held_.erase(found);
    rd_kafka_topic_partition_list_add(assigned.get(), stream_.c_str(), partition.value);
  }
  // Only now may the group give them to others.
  check(rd_kafka_incremental_unassign(client_.get(), assigned.get()), "letting partitions go");
}

void KafkaReader::acquire_pending() {
  if (membership_ == Membership::fixed && held_.empty() && !pending_.empty()) {
    look_up(client_.get(), stream_, kWatermarkTimeout);
  }
  while (!pending_.empty()) {
    const Partition partition = pending_.front();
    const auto known = range(partition, kWatermarkTimeout);
    // What it throws leaves poll(), and the next poll asks again.
    const Offset position = ownership_.acquired(partition);
    pending_.pop_front();
    Held& taken = held_[partition] = {.next = position, .end = {}, .nothing_until = {}};
    if (known) taken.end = known->second;
    fetched_.gather(stream_, partition);
    check(rd_kafka_incremental_assign(client_.get(), listed(partition, position).get()),
          "reading " + at(partition));
  }
}

// One at a time: librdkafka keeps what it cannot send while the coordinator is away, and each that
// fails when it comes back makes the client look for it anew, until no heartbeat gets through.
void KafkaReader::show_progress(std::span<const PartitionProgress> progress) {
  if (membership_ == Membership::fixed || progress_in_flight_) return;
  const PartitionList list(rd_kafka_topic_partition_list_new(static_cast<int>(progress.size())));
  for (const auto& [partition, position] : progress) {
    rd_kafka_topic_partition_list_add(list.get(), stream_.c_str(), partition.value)->offset =
        position.value;
  }
  const auto code =
      rd_kafka_commit_queue(client_.get(), list.get(), fetched_.events(), nullptr, nullptr);
  progress_in_flight_ = code == RD_KAFKA_RESP_ERR_NO_ERROR;
  if (!progress_in_flight_) {
    spdlog::debug("kafka progress not shown stream={} text=\"{}\"", stream_,
                  rd_kafka_err2str(code));
  }
}

// Within kLeaveTimeout. An ordinary member says good-bye to its group; a static one says nothing:
// its partitions wait for it until the session times out.
void KafkaReader::close() {
  const Queue queue(rd_kafka_queue_new(client_.get()));
  const ErrorObject failed(rd_kafka_consumer_close_queue(client_.get(), queue.get()));
  if (failed != nullptr) return;
  const auto deadline = Clock::now() + kLeaveTimeout;
  while (rd_kafka_consumer_closed(client_.get()) == 0 && Clock::now() < deadline) {
    constexpr int kTurn = 50;
    const Event event(rd_kafka_queue_poll(queue.get(), kTurn));
    if (event == nullptr || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_REBALANCE) continue;
    // Only what a closing client waits for: another answer it may lose, and never end our call.
    if (rd_kafka_event_error(event.get()) != RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) continue;
    const ErrorObject ignored(rd_kafka_incremental_unassign(
        client_.get(), rd_kafka_event_topic_partition_list(event.get())));
  }
}

}  // namespace sluice::kafka
