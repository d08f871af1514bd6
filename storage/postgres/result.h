#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

struct pg_result;

namespace sluice {

struct ClearResult {
  void operator()(pg_result* result) const;
};
// An answer of the server, whatever it says.
using PgAnswer = std::unique_ptr<pg_result, ClearResult>;

// One that is no failure, with its rows.
class PgResult {
 public:
  explicit PgResult(PgAnswer answer) : result_(std::move(answer)) {}
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
  PgAnswer result_;
};

}  // namespace sluice
