#pragma once

#include <list>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "projectors/engine/computed/computations.h"
#include "projectors/engine/computed/running_computation.h"
#include "projectors/engine/run/probe.h"
#include "projectors/engine/run/worker.h"
#include "projectors/engine/tables/row_memory.h"
#include "storage/memory/memory_builder.h"
#include "storage/memory/memory_log.h"
#include "storage/memory/memory_sink.h"
#include "storage/memory/memory_state.h"
#include "tests/simulation/failpoint.h"
#include "tests/simulation/faulty.h"
#include "tests/simulation/faulty_writer.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

// A process's worker for one generation of a domain, and what it stands on.
struct Seat {
  Subject* subject = nullptr;
  MemoryAssignment assignment;
  std::map<Partition, MemoryState> disks;
  std::unique_ptr<MemorySink> sink;
  std::unique_ptr<FaultyWriter> writer;
  std::unique_ptr<FaultySink> faulty_sink;
  std::unique_ptr<MemoryBuilder> builder;
  std::unique_ptr<FaultyBuilder> faulty_builder;
  std::unique_ptr<Worker> worker;
  // Of which a restore of the view may have left the disk ahead of it.
  std::set<Partition> ahead;
};

// A process of the world: what dies with it, and what of it is found again.
struct Node {
  int index = 0;
  int incarnation = 0;
  int version = 1;  // of the program: of the rules of tally
  Failpoint failpoint;
  Probe probe;
  std::unique_ptr<Computations> computations;
  std::unique_ptr<RowMemory> memory;
  // Of a process that is gone too: its threads may hand something in that late.
  std::vector<std::unique_ptr<RunningComputation>> computing;
  std::list<Seat> seats;  // one a subject, in their order
  int asleep = 0;         // steps for which it is stopped, as by SIGSTOP
};

}  // namespace sluice::simulation
