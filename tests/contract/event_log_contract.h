#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "storage/event_log.h"
#include "storage/log_topology.h"

namespace sluice::testing {

// What a technology gives to be held to the contract of every log.
class LogUnderTest {
 public:
  virtual ~LogUnderTest() = default;
  // Borrowed: valid until reopen().
  virtual LogTopology& topology() = 0;
  virtual std::unique_ptr<EventWriter> writer() = 0;
  // The only member of a group of its own: in the end it has every partition of the stream.
  virtual std::unique_ptr<EventReader> reader(std::string_view stream, Ownership& ownership) = 0;
  // Takes offsets of the partition that no reader ever gets, as a transaction that is aborted does
  // for its records and its marker. False: this log leaves out no offset, and nothing was done.
  virtual bool leave_out_offsets(std::string_view, Partition) { return false; }
  // As after a restart. No writer and no reader is alive.
  virtual void reopen() = 0;
};

// One is made for each section, so what is dear to start (a broker) is kept outside of it. Streams
// have names of their own in each section.
using MakeLog = std::function<std::unique_ptr<LogUnderTest>()>;

// What every log keeps (storage/event_log.h, storage/log_topology.h). Called from a TEST_CASE.
void event_log_contract(const MakeLog& make);

}  // namespace sluice::testing
