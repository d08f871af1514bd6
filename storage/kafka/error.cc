#include "storage/kafka/error.h"

#include "storage/base/errors.h"
#include "storage/kafka/handles.h"

namespace sluice::kafka {

Reaction reaction_to(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    // No retry makes a record smaller: the topic's limit is below the one that ingest admits by.
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
    case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
    // Two processes with one state folder's id: joining again would only throw the other one out.
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL:
    case RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
      return Reaction::reconfigure;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
      return Reaction::stop_partition;
    default:
      return Reaction::retry;
  }
}

void fail(rd_kafka_resp_err_t code, std::string_view doing, std::string_view detail) {
  std::string what = std::string(doing) + ": " + rd_kafka_err2str(code);
  if (!detail.empty()) what.append(" (").append(detail).append(")");
  switch (reaction_to(code)) {
    case Reaction::reconfigure:
      throw Misconfigured(what);
    case Reaction::stop_partition:
      throw Corrupt(what);
    case Reaction::retry:
      break;
  }
  const bool away = code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__TIMED_OUT ||
                    code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
  throw Retryable(what + (away ? "; does a broker run where --brokers says?" : ""));
}

void check(rd_kafka_resp_err_t code, std::string_view doing) {
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) fail(code, doing);
}

void check(rd_kafka_error_t* error, std::string_view doing) {
  if (error == nullptr) return;
  const ErrorObject owned(error);
  fail(rd_kafka_error_code(error), doing, rd_kafka_error_string(error));
}

}  // namespace sluice::kafka
