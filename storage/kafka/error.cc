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

namespace {

// What a person may do about it; empty: nothing that is known.
std::string_view next_step(rd_kafka_resp_err_t code) {
  switch (code) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
      return kIsBrokerThere;
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return "; `sluice topics list` shows what is there";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
      return "; have it granted, or name another user by --kafka sasl.username=...";
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE:
    case RD_KAFKA_RESP_ERR_SECURITY_DISABLED:
      return "; see what is given by --kafka security.protocol=..., sasl.mechanism=..., "
             "sasl.username=... and sasl.password=...";
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
      return "; the cluster has fewer brokers than its default.replication.factor asks for";
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
      return "; Kafka 2.4 or newer is needed";
    default:
      return {};
  }
}

}  // namespace

void fail(rd_kafka_resp_err_t code, std::string_view doing, std::string_view detail) {
  std::string what = std::string(doing) + ": " + rd_kafka_err2str(code);
  if (!detail.empty()) what.append(" (").append(detail).append(")");
  what.append(next_step(code));
  switch (reaction_to(code)) {
    case Reaction::reconfigure:
      throw Misconfigured(what);
    case Reaction::stop_partition:
      throw Corrupt(what);
    case Reaction::retry:
      break;
  }
  throw Retryable(what);
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
