#pragma once

// What a domain's rules look like to the engine. A projection is a class that satisfies Rules; it
// is constructed with the partition's Tables, holds Table members, and has no clock, no I/O and no
// thread of its own.

#include <google/protobuf/message.h>

#include <concepts>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "projectors/engine/computed.h"
#include "projectors/engine/effects.h"
#include "projectors/engine/tables.h"

namespace sluice {

template <class P>
concept Rules =
    std::constructible_from<P, Tables&> &&
    requires(P p, const typename P::Event& event, const Record& record, Effects& effects) {
      // Raised when the same log must give other rows.
      { P::kVersion } -> std::convertible_to<int>;
      { p.fold(event, record, effects) };
    };

// Optional: `static constexpr bool kEmits = true` says that the rules emit, which they may not
// without: their generations then have a digest of what each key has emitted.

// Optional: of a projection whose facts set timers.
//
// Before a record's fact is folded, its recorded_at moves the partition's record time on, and the
// timers that are due by then fire, in the order of (due, key, kind). It edits and emits as a fold
// does; what it emits comes from the record that moved time.
template <class P>
concept Fires = requires(P p, const Timer& timer, Effects& effects) { p.fire(timer, effects); };

// Optional: of a projection that has rows which follow from others and need not be right after
// every fact, but whenever changed rows are written. Called before that, as often as it pleases the
// engine: what it makes of the tables must depend on them alone, and twice must be as once.
template <class P>
concept Refreshes = requires(P p) { p.refresh(); };

// Optional: of a projection whose facts are somebody's by (sluice.subject). Called with one that
// has to wait behind a record that could not be folded: what others must know of it meanwhile. Only
// emits.
template <class P>
concept Waits = requires(P p, const typename P::Event& event, const std::string& person,
                         Effects& effects) { p.waits(event, person, effects); };

// A projection at work on one partition, whatever its domain.
class Fold {
 public:
  virtual ~Fold() = default;
  // Where payloads are decoded into.
  virtual google::protobuf::Message& event() = 0;
  // All of the event last decoded.
  virtual void fold(const Record& record, Effects& effects) = 0;
  // The event last decoded waits.
  virtual void waits(const std::string& person, Effects& effects) = 0;
  virtual void fire(const Timer& timer, Effects& effects) = 0;
  virtual void refresh() = 0;
};

// CHECKs that a projection which sets timers has a fire().
[[noreturn]] void nobody_fires();

template <class P>
void fire_timer(P& rules, const Timer& timer, Effects& effects) {
  if constexpr (Fires<P>) {
    rules.fire(timer, effects);
  } else {
    nobody_fires();
  }
}

template <Rules P>
class FoldOf final : public Fold {
 public:
  explicit FoldOf(Tables& tables) : rules_(tables) {}
  google::protobuf::Message& event() override { return event_; }
  void fold(const Record& record, Effects& effects) override {
    rules_.fold(event_, record, effects);
  }
  void waits(const std::string& person, Effects& effects) override {
    if constexpr (Waits<P>) rules_.waits(event_, person, effects);
  }
  void fire(const Timer& timer, Effects& effects) override { fire_timer(rules_, timer, effects); }
  void refresh() override {
    if constexpr (Refreshes<P>) rules_.refresh();
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
  bool emits = false;                  // whether its rules emit
};

template <Rules P>
[[nodiscard]] Projection describe(std::string_view name) {
  Projection made{name, P::kVersion, [](Tables& tables) -> std::unique_ptr<Fold> {
                    return std::make_unique<FoldOf<P>>(tables);
                  }};
  if constexpr (requires { P::kEmits; }) made.emits = P::kEmits;
  if constexpr (requires { P::computed(); }) made.computed = &P::computed();
  return made;
}

// Every projection that was built in, in the order of their names.
std::span<const Projection> projections();

}  // namespace sluice
