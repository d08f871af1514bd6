#pragma once

namespace sluice {

// Which rules of the tally are meant: of a release of the program, and in them what was mended.
struct TallyRules {
  int version = 1;    // from 2 on, who comes again changes nothing
  bool fails = true;  // at some stays, in each way that rules can
};

}  // namespace sluice
