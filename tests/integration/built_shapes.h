#pragma once

#include <memory>
#include <string>

#include "storage/postgres/connection.h"
#include "storage/postgres/postgres_builder.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/schema.h"

namespace sluice::testing {

// The schema of projection "shapes" with the tables of tests/contract/shapes and 2 partitions.
[[nodiscard]] PublishedSchema shapes_schema(int version = 1);

// A session with one generation of it.
class ShapesSession {
 public:
  ShapesSession(const std::string& url, int generation);
  PostgresSink sink;
  PostgresBuilder builder{sink};
};

// A database of its own, in which generation 1 is live and generation 2 is to be built.
class BuiltShapes {
 public:
  BuiltShapes();
  [[nodiscard]] const std::string& url() const { return url_; }
  PgResult ask(const std::string& sql) const { return PgConnection(url_).run(sql); }
  // Of the first row; "null".
  [[nodiscard]] std::string value(const std::string& sql) const;
  // Generation 1 at 10 in both partitions, generation 2 loaded there with one row each, and without
  // keys.
  void load();
  // Tables of generation 2 that have a key, and indexes that they have besides.
  [[nodiscard]] std::string keys() const;

 private:
  const std::string url_;
};

}  // namespace sluice::testing
