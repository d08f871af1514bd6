#include "storage/kafka/topic_metadata.h"

#include "storage/kafka/error.h"

namespace sluice::kafka {

Metadata metadata_of(rd_kafka_t* client, const std::string& topic,
                     std::chrono::milliseconds deadline, const std::string& doing) {
  const Topic handle(rd_kafka_topic_new(client, topic.c_str(), nullptr));
  if (handle == nullptr) fail(rd_kafka_last_error(), doing);
  const rd_kafka_metadata_t* answer = nullptr;
  check(rd_kafka_metadata(client, 0, handle.get(), &answer, static_cast<int>(deadline.count())),
        doing);
  Metadata owned(answer);
  if (answer->topic_cnt != 1) fail(RD_KAFKA_RESP_ERR__BAD_MSG, doing);
  const rd_kafka_resp_err_t failure = answer->topics[0].err;
  if (failure == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) return nullptr;
  check(failure, doing);
  return owned;
}

}  // namespace sluice::kafka
