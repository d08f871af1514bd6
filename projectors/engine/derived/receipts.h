#pragma once

#include "projectors/engine/tables.h"
#include "sluice/envelope.pb.h"
#include "sluice/state.pb.h"

namespace sluice {

// How far each source's derived records were taken. One a partition, used by its worker's thread.
class Receipts {
 public:
  explicit Receipts(Tables& tables) : receipts_(tables) {}

  // True when a derived record of this origin comes for the first time; remembers it. Sources
  // append in order and without a gap, so an origin that is not higher was taken before.
  [[nodiscard]] bool take(const Origin& origin) {
    const Receipt* last = receipts_.find(origin.projection(), origin.partition());
    if (last != nullptr &&
        (origin.position() < last->position() ||
         (origin.position() == last->position() && origin.ordinal() <= last->ordinal()))) {
      return false;
    }
    Receipt& receipt = receipts_.edit(origin.projection(), origin.partition());
    receipt.set_position(origin.position());
    receipt.set_ordinal(origin.ordinal());
    return true;
  }

 private:
  Table<Receipt> receipts_;
};

}  // namespace sluice
