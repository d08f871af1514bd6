#include "tests/support/transactions.h"

#include <unistd.h>

#include <chrono>
#include <stdexcept>

namespace sluice::testing {
namespace {

constexpr int kDeadlineMs = 60'000;

void require(rd_kafka_resp_err_t code, const char* doing) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
  throw std::runtime_error(std::string(doing) + ": " + rd_kafka_err2str(code));
}

void require(rd_kafka_error_t* error, const char* doing) {
  if (error == nullptr) return;
  const std::string why = rd_kafka_error_string(error);
  rd_kafka_error_destroy(error);
  throw std::runtime_error(std::string(doing) + ": " + why);
}

std::string unique_id() {
  static int made = 0;
  const auto now = std::chrono::system_clock::now().time_since_epoch().count();
  return "tests." + std::to_string(now) + "." + std::to_string(getpid()) + "." +
         std::to_string(++made);
}

}  // namespace

Transactions::Transactions(const std::string& brokers) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set(conf, "bootstrap.servers", brokers.c_str(), nullptr, 0);
  rd_kafka_conf_set(conf, "transactional.id", unique_id().c_str(), nullptr, 0);
  rd_kafka_conf_set(conf, "linger.ms", "0", nullptr, 0);
  client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, conf, nullptr, 0));
  if (!client_) throw std::runtime_error("no producer of transactions");
  require(rd_kafka_init_transactions(client_.get(), kDeadlineMs), "init transactions");
}

void Transactions::append(std::string_view topic, Partition partition,
                          const std::vector<std::string>& values) {
  if (!open_) require(rd_kafka_begin_transaction(client_.get()), "begin a transaction");
  open_ = true;
  const std::string name(topic);
  const std::unique_ptr<rd_kafka_topic_t, decltype(&rd_kafka_topic_destroy)> to(
      rd_kafka_topic_new(client_.get(), name.c_str(), nullptr), rd_kafka_topic_destroy);
  for (std::string value : values) {
    const int refused = rd_kafka_produce(to.get(), partition.value, RD_KAFKA_MSG_F_COPY,
                                         value.data(), value.size(), nullptr, 0, nullptr);
    if (refused != 0) require(rd_kafka_last_error(), "produce in a transaction");
  }
  require(rd_kafka_flush(client_.get(), kDeadlineMs), "flush a transaction");
}

void Transactions::end(End how) {
  open_ = false;
  if (how == End::commit) {
    require(rd_kafka_commit_transaction(client_.get(), kDeadlineMs), "commit a transaction");
  } else {
    require(rd_kafka_abort_transaction(client_.get(), kDeadlineMs), "abort a transaction");
  }
}

}  // namespace sluice::testing
