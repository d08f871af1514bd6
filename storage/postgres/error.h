#pragma once

// Where Postgres's errors become ours.

#include <exception>
#include <string>
#include <string_view>

struct pg_result;

namespace sluice {

// Throws the type of storage/base/errors.h that fits an SQLSTATE; empty: the session is gone.
[[noreturn]] void raise_postgres(std::string_view state, const std::string& message);

// Whether this is what became of an SQLSTATE.
[[nodiscard]] bool has_state(const std::exception& failure, std::string_view state);

// What Postgres says of it, without the statement that it was said of.
[[nodiscard]] std::string said(const std::exception& failure);

// As logs and people want it.
[[nodiscard]] std::string in_one_line(const char* message);

// What tells a statement from others, for people: "UPDATE sluice.position SET ...".
[[nodiscard]] std::string name_of_statement(std::string_view sql);

// What a failed statement says of itself, without its text.
[[nodiscard]] std::string message_of(const pg_result* result);

}  // namespace sluice
