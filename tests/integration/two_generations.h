#pragma once

// A projection "shapes" of two generations, the second of which is ready, and who folds them.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "storage/postgres/connection.h"
#include "storage/postgres/postgres_builder.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/swap/generation_pair.h"
#include "storage/postgres/swap/promotion.h"

namespace sluice::testing {

class TwoGenerations {
 public:
  static constexpr int kPartitions = 2;
  static constexpr std::int64_t kBegin = 10;  // where both stand in both partitions

  explicit TwoGenerations(const PublishedSchema& first, const PublishedSchema& second);
  TwoGenerations();

  [[nodiscard]] const std::string& url() const { return url_; }
  PgResult ask(const std::string& sql) const { return PgConnection(url_).run(sql); }
  // Of the first row; "null".
  [[nodiscard]] std::string value(const std::string& sql) const;
  // "standing live", by number.
  [[nodiscard]] std::string statuses() const;
  // As if both had been heard of just now.
  void beat() const;

  [[nodiscard]] static GenerationPair pair(int live = 1, int other = 2);
  // Of what is to come through at once.
  [[nodiscard]] Promoted promote(std::chrono::milliseconds lock_wait = std::chrono::seconds(10),
                                 int live = 1, int other = 2) const;
  [[nodiscard]] Promoted roll_back() const;

 private:
  const std::string url_;
};

// A row in each, which tells whose it is.
void tell_apart(const TwoGenerations& shapes);
// The rows that a reader sees.
[[nodiscard]] std::string shown(PgConnection& reader);
[[nodiscard]] std::string shown(const TwoGenerations& shapes);
// The statuses and what readers see: "live ready: first".
[[nodiscard]] std::string world(const TwoGenerations& shapes);
// Whether anybody waits for a lock on views.
[[nodiscard]] bool waits_for_views(const TwoGenerations& shapes);

// The word of a refusal; "" where there is none.
template <class Answer>
[[nodiscard]] std::string refused(const Answer& answer) {
  const auto* refusal = std::get_if<GenerationRefusal>(&answer);
  return refusal == nullptr ? "" : refusal->word;
}
template <class Answer>
[[nodiscard]] std::string reason(const Answer& answer) {
  const auto* refusal = std::get_if<GenerationRefusal>(&answer);
  return refusal == nullptr ? "" : refusal->reason;
}

// Folds one generation, in a thread: row "g<N>-<partition>-<offset>" of OnlyKey of each record. The
// live one appends a record now and then, another follows it.
class Owner {
 public:
  Owner(const std::string& url, int generation);
  ~Owner();
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  // What has no answer in store for it.
  [[nodiscard]] std::string failure() const;

 private:
  void run(const std::stop_token& stop);
  void turn(PostgresSink& sink, PostgresBuilder& builder);

  const std::string url_;
  const int generation_;
  std::string failure_;
  std::jthread thread_;
};

}  // namespace sluice::testing
