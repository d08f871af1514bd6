#pragma once

// What commands print is written by the one JSON writer.
#include "storage/base/json_writer.h"  // IWYU pragma: export
