#pragma once

#include <google/protobuf/message.h>

#include <functional>

namespace sluice {

// Kept up with the rows of one table: what an index over them is made of. Called on the worker's
// thread; must not change rows.
class RowObserver {
 public:
  virtual ~RowObserver() = default;
  // The row as it is, before it changes or goes.
  virtual void leave(const google::protobuf::Message& row) = 0;
  // The row as it has become.
  virtual void enter(const google::protobuf::Message& row) = 0;
  // Any row may be another now, and what was counted with the tables' bytes is not any more.
  virtual void forget() = 0;
  // What was changed is written.
  virtual void written() = 0;
  // Frees what was not used since the last sweep, until it is enough; it can be had again from the
  // rows.
  virtual void sweep(const std::function<bool()>& enough) = 0;
};

}  // namespace sluice
