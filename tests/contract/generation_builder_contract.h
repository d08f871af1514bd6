#pragma once

#include <functional>
#include <memory>

#include "storage/generation_builder.h"
#include "storage/projection_sink.h"
#include "tests/contract/seen_view.h"

namespace sluice::testing {

// A client of one generation.
struct BuildingSession {
  std::unique_ptr<ProjectionSink> sink;
  std::unique_ptr<GenerationBuilder> builder;  // of that sink
};

// What a technology gives to be held to the contract of building: projection "shapes" with 2
// partitions and the tables of tests/contract/shapes, of which generation 1 is live and generation
// 2 is to be built in bulk.
class BuilderUnderTest {
 public:
  virtual ~BuilderUnderTest() = default;
  virtual ProjectionSink& live() = 0;
  // Of generation 2.
  virtual ProjectionSink& sink() = 0;
  virtual GenerationBuilder& builder() = 0;
  // The next load or flush of that sink goes through, or does not, and its answer is lost.
  virtual void lose_next_answer(bool went_through) = 0;
  // Further sessions with generation 2, and with the live one.
  virtual BuildingSession another() = 0;
  virtual BuildingSession another_of_live() = 0;
  // Readers see generation 2 from now on; both are at the same positions.
  virtual void swap() = 0;
  // A swap to generation 2 waits for its computed rows, from now on, or does not.
  virtual void hurry(bool hurries) = 0;

  // Of generation 2.
  [[nodiscard]] virtual const SeenView& seen() const = 0;
  // Whether people are told that generation 2 may be promoted.
  [[nodiscard]] virtual bool ready() const = 0;
};

// One is made for each section.
using MakeBuilder = std::function<std::unique_ptr<BuilderUnderTest>()>;

// What every builder keeps (storage/generation_builder.h), and every sink of a generation that is
// not live (storage/projection_sink.h). Called from a TEST_CASE.
void generation_builder_contract(const MakeBuilder& make);

}  // namespace sluice::testing
