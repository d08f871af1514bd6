#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/memory/memory_sink.h"
#include "storage/view_monitor.h"

namespace sluice {

// Looks at views in memory. On the thread of those who fold into them.
class MemoryViewMonitor final : public ViewMonitor {
 public:
  explicit MemoryViewMonitor(MemoryViews& views) : views_(views) {}

  std::map<std::string, std::string> locks(std::span<const std::string> sessions) override;
  void speak_for(std::string_view projection, int generation,
                 std::span<const LogProgress> progress) override;
  std::vector<GenerationSeen> generations(std::span<const std::string> projections) override;
  std::vector<UnownedPartition> unowned(std::span<const std::string> projections) override;

  // Faults.

  // The session waits for this from now on; "": for nothing.
  void lock(const std::string& session, const std::string& what) { locks_[session] = what; }
  // While away, everything throws Retryable.
  void set_away(bool away) { away_ = away; }

 private:
  void require_present() const;
  [[nodiscard]] bool is(std::string_view projection, int generation) const;

  MemoryViews& views_;
  std::map<std::string, std::string> locks_;
  bool away_ = false;
};

}  // namespace sluice
