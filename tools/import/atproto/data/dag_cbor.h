#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "tools/import/atproto/data/fault.h"
#include "tools/import/atproto/data/value.h"

namespace sluice::atproto {

// DAG-CBOR as IPLD specifies it (specs/codecs/dag-cbor, "Strictness"), less what atproto has not:
// - keys are texts, shorter ones first, equal lengths by bytes, none twice;
// - numbers and lengths in their shortest form, nothing indefinite, no simple values but false,
//   true and null, no floats;
// - whole numbers within 64 bits with sign;
// - texts are UTF-8; U+0000 in them is read as U+FFFD, since nothing behind an importer can keep
// it;
// - the only tag is 42, over a CID of the forms in cid.h behind a zero byte;
// - at most kMaxDepth deep and kMaxValues values, at most 2 GiB.
// What lengths claim is held against the bytes that are left, before anything is allocated.
// `into` has views of `bytes`, and is of no use after a fault.

// The one value that `bytes` are.
[[nodiscard]] std::optional<Fault> decode_cbor(std::string_view bytes, Document& into);

// The value that begins at byte `at`, which then is behind it. Places are those in `bytes`.
[[nodiscard]] std::optional<Fault> decode_cbor(std::string_view bytes, std::size_t& at,
                                               Document& into);

}  // namespace sluice::atproto
