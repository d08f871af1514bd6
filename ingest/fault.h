#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// One thing wrong with one event of a request.
struct EventFault {
  std::size_t index = 0;  // of the event in the request
  std::string field;      // "data.choice", "time"
  std::string reason;
};

// The faults of a request: all are counted, the first are kept.
class Faults {
 public:
  static constexpr std::size_t kKept = 1000;

  void begin_event(std::size_t index) { index_ = index; }
  // One a field: what could not be read at all is not said to be wrong in another way, nor are its
  // parts. Past those kept this is not told apart any more.
  void add(std::string field, std::string reason) {
    if (kept_.size() < kKept) {
      for (auto said = kept_.rbegin(); said != kept_.rend() && said->index == index_; ++said) {
        if (is_within(field, said->field)) return;
      }
      kept_.push_back({index_, std::move(field), std::move(reason)});
    }
    ++count_;
  }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] std::size_t count() const { return count_; }
  [[nodiscard]] const std::vector<EventFault>& kept() const { return kept_; }

 private:
  static bool is_within(std::string_view field, std::string_view whole) {
    return field.starts_with(whole) && (field.size() == whole.size() || field[whole.size()] == '.');
  }

  std::size_t index_ = 0;
  std::size_t count_ = 0;
  std::vector<EventFault> kept_;
};

}  // namespace sluice
