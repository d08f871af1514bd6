#pragma once

// A version of a domain's rules that no generation is of: `sluice up` builds one of it and promotes
// it once, or waits for a person.

#include <optional>
#include <string>

#include "storage/postgres/generations.h"
#include "storage/postgres/schema.h"

namespace sluice {

struct VersionStand {
  enum class Is {
    folded,   // a generation of it is live, built or stands; or the domain has none at all yet
    made,     // one was made now, which promotes itself when it is ready
    awaited,  // there is none, and none is made: `why` says what stands against it
  };
  Is is = Is::folded;
  int generation = 0;  // that was made
  std::string why;     // for people, with what to do
};

// How a program with this schema stands. With `makes` a generation is made where this version is
// higher than that of every generation that there was, failed and retired ones too: so none is made
// a second time, after a rollback, or by an older program. One in the making that a lower version
// made of itself and abandoned (give_up_abandoned()) is given up for it. The engine's schema is
// brought up to this program's.
[[nodiscard]] VersionStand stand_of_version(const std::string& url, const PublishedSchema& schema,
                                            bool makes);

// Why a generation that a person has made by this program's rules would not be what comes of it, or
// would be folded by nobody: "another_version", where one of other rules is in the making, or all
// processes that project the domain have others. A process that has just begun tells of its rules
// within seconds, which are awaited. nullopt: nothing stands against it, also where no process runs
// yet. The engine's schema is brought up to this program's.
[[nodiscard]] std::optional<GenerationRefusal> refuse_another_version(
    const std::string& url, const PublishedSchema& schema);

}  // namespace sluice
