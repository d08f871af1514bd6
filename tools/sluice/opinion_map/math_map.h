#pragma once

// The opinion map as a picture: who thinks alike stands close together.

#include <string>

#include "tools/sluice/opinion_map/math_report.h"

namespace sluice {

// An SVG document that needs nothing else: participants as points in the colours of their groups, a
// hull and a name for each group, and beside the map what each group stands for. Who is not
// clustered is grey.
[[nodiscard]] std::string opinion_map(const DescribedSnapshot& described);

}  // namespace sluice
