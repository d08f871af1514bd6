#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "storage/base/position.h"

namespace sluice {

// The events of one request, admitted: each has its partition, its key and its envelope's bytes.
struct AdmittedBatch {
  struct Item {
    Partition partition;
    std::size_t begin;  // in `bytes`: the key, then the envelope
    std::size_t key_size;
    std::size_t value_size;
  };
  std::string domain;
  std::vector<Item> items;
  std::string bytes;
  std::vector<std::string> ids;  // of the events, in their order
};

}  // namespace sluice
