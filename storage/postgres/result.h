#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

struct pg_result;

namespace sluice {

// A result with its rows.
class PgResult {
 public:
  explicit PgResult(pg_result* result) : result_(result, &clear) {}
  [[nodiscard]] int rows() const;
  [[nodiscard]] bool null(int row, int column) const;
  [[nodiscard]] std::string_view text(int row, int column) const;
  [[nodiscard]] std::int64_t number(int row, int column) const;
  // How many rows the command changed.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] std::string_view tag() const;
  [[nodiscard]] int columns() const;
  [[nodiscard]] std::string_view name(int column) const;
  [[nodiscard]] std::uint32_t type(int column) const;  // its number in Postgres's catalogue

 private:
  static void clear(pg_result* result);
  std::unique_ptr<pg_result, void (*)(pg_result*)> result_;
};

}  // namespace sluice
