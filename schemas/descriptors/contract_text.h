#pragma once

// What outlives a release, as text that people can review: the bytes of records in logs, and the
// columns that readers query. Unpublished rows and fields that are no columns are not in it.

#include <google/protobuf/descriptor.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// Every message and enum of these files that records or published rows are made of, a line each for
// its fields and values, by name and number.
[[nodiscard]] std::string contract_text(
    std::span<const google::protobuf::FileDescriptor* const> files);

// What of `released` does not hold in `now`, a sentence each; both are contract_text(). Additions
// hold, except where what is there already would lack them: a required field, a key, a column
// before another.
[[nodiscard]] std::vector<std::string> broken_promises(std::string_view released,
                                                       std::string_view now);

}  // namespace sluice
