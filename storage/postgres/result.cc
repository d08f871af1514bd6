#include "storage/postgres/result.h"

#include <libpq-fe.h>

#include <charconv>

namespace sluice {

void ClearResult::operator()(pg_result* result) const { PQclear(result); }

int PgResult::rows() const { return PQntuples(result_.get()); }
bool PgResult::null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) != 0;
}
std::string_view PgResult::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column),
          static_cast<std::size_t>(PQgetlength(result_.get(), row, column))};
}
std::int64_t PgResult::number(int row, int column) const {
  const std::string_view digits = text(row, column);
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}
std::int64_t PgResult::changed() const {
  const std::string_view digits = PQcmdTuples(result_.get());
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}
int PgResult::columns() const { return PQnfields(result_.get()); }
std::string_view PgResult::name(int column) const { return PQfname(result_.get(), column); }
std::uint32_t PgResult::type(int column) const { return PQftype(result_.get(), column); }
std::string_view PgResult::tag() const { return PQcmdStatus(result_.get()); }

}  // namespace sluice
