#pragma once

// What a domain's rules look like to the engine. A projection is a class that satisfies Rules; it
// is constructed with the partition's Tables, holds Table members, and has no clock, no I/O and no
// thread of its own.

#include <google/protobuf/message.h>

#include <concepts>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "projectors/engine/computed.h"
#include "projectors/engine/outbox.h"
#include "projectors/engine/tables.h"
#include "sluice/envelope.pb.h"
#include "storage/position.h"

namespace sluice {

// The record whose fact is folded. Borrowed: valid while it is folded.
struct Record {
  std::string_view id;
  std::string_view source;
  const Actor& actor;
  Time recorded_at;                 // of this record; the partition's record time is not earlier
  std::optional<Time> occurred_at;  // the producer's own
  Offset position;                  // the record's own offset
  Offset folded_to;  // the position behind it, or behind the release of what had waited
};

// What a fold may ask for besides changing rows.
class Effects {
 public:
  Effects(const Tables& tables, Outbox& outbox)
      : tables_(tables), outbox_(outbox), edits_before_(tables.edits()), before_(outbox.mark()) {}

  // The fact is valid but not admissible: it changes nothing, and one row of `sluice.rejection`
  // says so. Must come before the fact's first edit; what it emitted is dropped. `reason` must be a
  // literal, "conversation.closed".
  void reject(std::string_view reason);

  // Sends a fact on to the stream of the domain that `event` is an Event of, where it is folded
  // once, later, in this order among all that this partition emits, with the actor's role
  // `service`. It must meet the rules of that domain's protos.
  void emit(const google::protobuf::Message& event);

  [[nodiscard]] std::string_view rejection() const { return rejection_; }

 private:
  const Tables& tables_;
  Outbox& outbox_;
  std::uint64_t edits_before_;
  Outbox::Mark before_;
  std::string_view rejection_;
};

template <class P>
concept Rules =
    std::constructible_from<P, Tables&> &&
    requires(P p, const typename P::Event& event, const Record& record, Effects& effects) {
      // Raised when the same log must give other rows.
      { P::kVersion } -> std::convertible_to<int>;
      // What the log is partitioned by: the value of the fact's key field.
      { P::key(event) } -> std::convertible_to<std::string_view>;
      { p.fold(event, record, effects) };
    };

// A projection at work on one partition, whatever its domain.
class Fold {
 public:
  virtual ~Fold() = default;
  // Where payloads are decoded into.
  virtual google::protobuf::Message& event() = 0;
  // All of the event last decoded.
  virtual std::string_view key() const = 0;
  virtual void fold(const Record& record, Effects& effects) = 0;
};

template <Rules P>
class FoldOf final : public Fold {
 public:
  explicit FoldOf(Tables& tables) : rules_(tables) {}
  google::protobuf::Message& event() override { return event_; }
  std::string_view key() const override { return P::key(event_); }
  void fold(const Record& record, Effects& effects) override {
    rules_.fold(event_, record, effects);
  }

 private:
  P rules_;
  typename P::Event event_;
};

// A projection that was built in.
struct Projection {
  std::string_view name;  // of its domain
  int version;
  std::unique_ptr<Fold> (*make)(Tables&);
  const Computed* computed = nullptr;  // null: nothing is
};

template <Rules P>
[[nodiscard]] Projection describe(std::string_view name) {
  Projection made{name, P::kVersion, [](Tables& tables) -> std::unique_ptr<Fold> {
                    return std::make_unique<FoldOf<P>>(tables);
                  }};
  if constexpr (requires { P::computed(); }) made.computed = &P::computed();
  return made;
}

// Every projection that was built in, in the order of their names.
std::span<const Projection> projections();

}  // namespace sluice
