#pragma once

// A domain by hand, of one partition in memory.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/projector.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"

namespace sluice {

inline constexpr Partition kOnly{0};
inline constexpr std::chrono::milliseconds kHorizon{1000};
inline constexpr std::chrono::milliseconds kRetention{5000};

inline Generation generation(const Projection& projection, bool live) {
  return {.projection = std::string(projection.name),
          .number = 1,
          .unique_id = "g",
          .version = projection.version,
          .partitions = 1,
          .dedupe_horizon = kHorizon,
          .quarantine_retention = kRetention,
          .live = live};
}

// Has the view's own positions but for where emitting begins.
class EmitsFrom final : public ProjectionSink {
 public:
  EmitsFrom(ProjectionSink& sink, Offset from) : sink_(sink), from_(from) {}
  Generation generation() override { return sink_.generation(); }
  ViewPosition take(Partition partition, std::string_view owner) override {
    ViewPosition view = sink_.take(partition, owner);
    view.emits_from = from_;
    return view;
  }
  std::optional<ViewPosition> position(Partition p) override { return sink_.position(p); }
  FlushOutcome flush(const FlushBatch& batch) override { return sink_.flush(batch); }
  void show_progress(std::span<const LogProgress> p) override { sink_.show_progress(p); }

 private:
  ProjectionSink& sink_;
  const Offset from_;
};

// One domain of one partition: its view, its state, and a projector that is made again by
// restart().
class Side {
 public:
  Side(MemoryLog& log, const Projection& projection, bool live = true, Offset emits_from = {})
      : log_(log),
        stream_(std::string(projection.name) + ".events"),
        projection_(projection),
        generation_(generation(projection, live)),
        emits_from_(emits_from),
        writer_(log.writer()),
        views(generation_),
        sink(views),
        emitter_(*writer_, log, 2) {
    log.create(stream_, 1);
  }

  // As after kill -9: memory is lost.
  void restart() {
    projector.reset();
    store_.emplace(state);
    projector.emplace(projection_, generation_, kOnly, std::to_string(++takings_), limits,
                      ProjectorParts{*store_, from_, emitter_, probe});
    position_ = projector->take(log_.range(stream_, kOnly));
  }

  // Another release of the program goes on.
  void run(const Projection& projection) {
    projector.reset();
    projection_ = projection;
    restart();
  }

  void fold() {
    if (!projector) restart();
    for (const auto& stored : log_.records(stream_, kOnly)) {
      if (stored.offset < position_) continue;
      projector->fold({kOnly, stored.offset, stored.appended_at, stored.key(), stored.value()});
      position_ = stored.offset.next();
    }
  }

  void flush() {
    fold();
    projector->flush(log_.range(stream_, kOnly).end);
  }

  template <class Event>
  Envelope post(const Event& event, std::string key, std::string id) {
    Envelope envelope;
    envelope.set_id(std::move(id));
    envelope.set_key(key);
    envelope.set_recorded_at(now.time_since_epoch().count());
    envelope.set_payload(event.SerializeAsString());
    append(envelope);
    return envelope;
  }

  void append(const Envelope& envelope) {
    append_bytes(envelope.key(), envelope.SerializeAsString());
  }
  void append_bytes(const std::string& key, const std::string& bytes) {
    NewRecord record{kOnly, key, bytes};
    writer_->append(stream_, {&record, 1});
  }

  std::vector<Envelope> log() {
    std::vector<Envelope> all;
    for (const auto& stored : log_.records(stream_, kOnly)) {
      all.emplace_back().ParseFromString(std::string(stored.value()));
    }
    return all;
  }

  template <class Row>
  std::vector<Row> rows() {
    std::vector<Row> all;
    views.for_each_row<Row>([&](const Row& row) { all.push_back(row); });
    return all;
  }

 private:
  MemoryLog& log_;
  const std::string stream_;
  Projection projection_;
  const Generation generation_;
  const Offset emits_from_;
  const std::unique_ptr<EventWriter> writer_;

 public:
  Time now{std::chrono::milliseconds{1'700'000'000'000}};
  ProjectorLimits limits;
  MemoryViews views;
  MemorySink sink;
  MemoryState state;
  Probe probe;
  std::optional<Projector> projector;

 private:
  EmitsFrom from_{sink, emits_from_};
  Emitter emitter_;
  std::optional<MemoryStateStore> store_;
  Offset position_;
  int takings_ = 0;
};

}  // namespace sluice
