// What happens to topics: topic_admin BROKERS delete TOPIC | BROKERS trim TOPIC PARTITION OFFSET |
// BROKERS abort|commit TOPIC PARTITION VALUE.
// For tests that are no C++; trim deletes the records before OFFSET, as retention would, and the
// last two append VALUE in a transaction of its own.

#include <librdkafka/rdkafka.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/transactions.h"

namespace {

constexpr int kDeadlineMs = 30'000;

// A client, and the answer to the one request that is made with it.
class Admin {
 public:
  explicit Admin(const std::string& brokers) {
    rd_kafka_conf_t* conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), nullptr, 0);
    client_ = rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0);
    queue_ = rd_kafka_queue_new(client_);
  }
  ~Admin() {
    rd_kafka_queue_destroy(queue_);
    rd_kafka_destroy(client_);
  }
  Admin(const Admin&) = delete;
  Admin& operator=(const Admin&) = delete;

  void remove(const std::string& topic) {
    rd_kafka_DeleteTopic_t* deletion = rd_kafka_DeleteTopic_new(topic.c_str());
    rd_kafka_DeleteTopics(client_, &deletion, 1, nullptr, queue_);
    rd_kafka_event_t* answer = await();
    std::size_t count = 0;
    const auto* results =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(answer), &count);
    for (std::size_t i = 0; i < count; ++i) require(rd_kafka_topic_result_error(results[i]));
    rd_kafka_event_destroy(answer);
    rd_kafka_DeleteTopic_destroy(deletion);
  }

  void trim(const std::string& topic, int partition, std::int64_t offset) {
    rd_kafka_topic_partition_list_t* offsets = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(offsets, topic.c_str(), partition)->offset = offset;
    rd_kafka_DeleteRecords_t* deletion = rd_kafka_DeleteRecords_new(offsets);
    rd_kafka_DeleteRecords(client_, &deletion, 1, nullptr, queue_);
    rd_kafka_event_t* answer = await();
    const auto* result =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(answer));
    for (int i = 0; i < result->cnt; ++i) require(result->elems[i].err);
    rd_kafka_event_destroy(answer);
    rd_kafka_DeleteRecords_destroy(deletion);
    rd_kafka_topic_partition_list_destroy(offsets);
  }

 private:
  static void require(rd_kafka_resp_err_t code) {
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) throw std::runtime_error(rd_kafka_err2str(code));
  }

  rd_kafka_event_t* await() {
    rd_kafka_event_t* answer = rd_kafka_queue_poll(queue_, kDeadlineMs);
    if (answer == nullptr) throw std::runtime_error("no answer");
    require(rd_kafka_event_error(answer));
    return answer;
  }

  rd_kafka_t* client_;
  rd_kafka_queue_t* queue_;
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[1] == "delete") {
      Admin(words[0]).remove(words[2]);
    } else if (words.size() == 5 && words[1] == "trim") {
      Admin(words[0]).trim(words[2], std::stoi(words[3]), std::stoll(words[4]));
    } else if (words.size() == 5 && (words[1] == "abort" || words[1] == "commit")) {
      using sluice::testing::Transactions;
      Transactions transactions(words[0]);
      transactions.append(words[2], sluice::Partition{std::stoi(words[3])}, {words[4]});
      transactions.end(words[1] == "abort" ? Transactions::End::abort : Transactions::End::commit);
    } else {
      throw std::runtime_error(
          "BROKERS delete TOPIC | BROKERS trim TOPIC PARTITION OFFSET | "
          "BROKERS abort|commit TOPIC PARTITION VALUE");
    }
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "topic_admin: %s\n", failure.what());
    return 2;
  }
  return 0;
}
