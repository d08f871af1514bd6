#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "storage/projection_sink.h"

namespace sluice {

// Has the view's own positions but for where emitting begins.
class EmitsFrom final : public ProjectionSink {
 public:
  EmitsFrom(ProjectionSink& sink, Offset from) : sink_(sink), from_(from) {}
  Generation generation() override { return sink_.generation(); }
  ViewPosition claim(Partition partition, std::string_view owner) override {
    ViewPosition view = sink_.claim(partition, owner);
    view.emits_from = from_;
    return view;
  }
  std::optional<ViewPosition> position(Partition p) override { return sink_.position(p); }
  FlushOutcome flush(const FlushBatch& batch) override { return sink_.flush(batch); }
  std::vector<std::optional<ViewPosition>> show_progress(std::span<const LogProgress> p) override {
    return sink_.show_progress(p);
  }

 private:
  ProjectionSink& sink_;
  const Offset from_;
};

}  // namespace sluice
