#include "projectors/engine/derived/emission_digests.h"

#include "storage/base/record_digest.h"

namespace sluice {

void EmissionDigests::take(std::string_view source_key, Outbox& outbox) {
  for (const Outbox::Noted& noted : outbox.noted()) {
    SluiceEmission& row = rows_.edit(source_key, noted.stream);
    const Digest before{static_cast<std::uint64_t>(row.digest())};
    row.set_digest(static_cast<std::int64_t>(digest_behind(before, noted.digest).value));
    row.set_records(row.records() + 1);
  }
  outbox.clear_noted();
}

}  // namespace sluice
