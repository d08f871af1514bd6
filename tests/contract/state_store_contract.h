#pragma once

#include <functional>
#include <memory>

#include "storage/state_store.h"

namespace sluice::testing {

// What a technology gives to be held to the contract of every state store: a state of its own.
class StateUnderTest {
 public:
  virtual ~StateUnderTest() = default;
  // Empty at first. Borrowed: valid until reopen().
  virtual StateStore& store() = 0;
  // As after a restart: store() is another handle on the same state.
  virtual void reopen() = 0;
};

// One is made for each section.
using MakeState = std::function<std::unique_ptr<StateUnderTest>()>;

// What every state store keeps (storage/state_store.h). Called from a TEST_CASE.
void state_store_contract(const MakeState& make);

}  // namespace sluice::testing
