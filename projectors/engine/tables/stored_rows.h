#pragma once

// The rows of one table as a store, or a snapshot of one, holds them, in key order.

#include <google/protobuf/message.h>

#include <memory>
#include <string>

#include "projectors/engine/tables/row_key.h"
#include "storage/base/errors.h"
#include "storage/state_store.h"

namespace sluice {

class StoredRows {
 public:
  // `prototype` is the row type's default instance. The store, or snapshot, outlives this.
  template <class State>
  StoredRows(State& state, const google::protobuf::Message& prototype)
      : StoredRows(state, prototype, key_prefix(prototype)) {}

  // Only those whose leading key fields are these.
  template <class Row, class State, class... Key>
  static StoredRows below(State& state, const Key&... leading) {
    std::string prefix = key_prefix(Row::default_instance());
    (row_key::append_part(prefix, leading), ...);
    return StoredRows(state, Row::default_instance(), prefix);
  }

  // Null at the end; valid until the next call. Throws Corrupt when a row cannot be read.
  [[nodiscard]] const google::protobuf::Message* next();

 private:
  template <class State>
  StoredRows(State& state, const google::protobuf::Message& prototype, const std::string& prefix)
      : row_(prototype.New()), cursor_(state.scan(prefix, row_key::after_prefix(prefix))) {}

  static std::string key_prefix(const google::protobuf::Message& prototype);

  std::unique_ptr<google::protobuf::Message> row_;
  std::unique_ptr<StateCursor> cursor_;
  bool begun_ = false;
};

}  // namespace sluice
