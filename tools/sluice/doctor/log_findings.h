#pragma once

// What the log says of itself, against the views that stand on it.

#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "storage/log_cluster.h"
#include "storage/stream_settings.h"
#include "tools/sluice/doctor/finding.h"
#include "tools/sluice/doctor/question.h"
#include "tools/sluice/node/log.h"

namespace sluice {

class ExaminedLog {
 public:
  // Throws Misconfigured where there is no such log.
  ExaminedLog(const LogOptions& options, std::string postgres);

  // isr, retention, disk, standing_still of what no owner has told of already. Returns the
  // projections of which the log has records that no view shows. What does not answer is skipped.
  // Throws Misconfigured where the views stand on another log; Retryable where Postgres is away.
  [[nodiscard]] std::vector<std::string> find(const Scope& scope, Diagnosis& diagnosis);
  // Whether it answered, as far as it was asked.
  [[nodiscard]] bool answered() const { return !silent_; }

 private:
  // False: the question was not answered, and what it was for is skipped.
  template <class Question>
  bool answers(std::initializer_list<const char*> codes, Diagnosis& diagnosis, Question question);
  void find_disk(Diagnosis& diagnosis) const;
  // Whether records wait.
  bool find_in_stream(const std::string& projection, const Place& place, Diagnosis& diagnosis);
  void find_settings(const std::string& stream, Diagnosis& diagnosis);
  void find_replicas(const std::string& stream, Diagnosis& diagnosis);

  const LogOptions options_;
  const std::string postgres_;
  const std::unique_ptr<Log> log_;
  bool silent_ = false;  // it did not answer once, and is not asked again
};

// Of one stream.
void judge_replicas(const std::string& stream, const std::vector<ReplicasSeen>& seen,
                    const std::string& brokers, Diagnosis& diagnosis);
void judge_settings(const std::string& stream, const std::vector<SettingFault>& faults,
                    const std::string& brokers, Diagnosis& diagnosis);

}  // namespace sluice
