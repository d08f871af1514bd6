#include "projectors/deliberation/math/tall_block.h"

#include "projectors/deliberation/math/each_processor.h"

namespace sluice::math {
namespace {

// What the compiler keeps in one register where the processor has such, else in two.
typedef double Lanes __attribute__((vector_size(sizeof(Four)), may_alias));

const Lanes* lanes(const Four* rows) { return reinterpret_cast<const Lanes*>(rows); }
Lanes* lanes(Four* rows) { return reinterpret_cast<Lanes*>(rows); }

SLUICE_EACH_PROCESSOR
void inner(const Lanes* a, const Lanes* b, std::size_t rows, Lanes* out) {
  Lanes sum0{};
  Lanes sum1{};
  Lanes sum2{};
  Lanes sum3{};
  for (std::size_t i = 0; i < rows; ++i) {
    const Lanes right = b[i];
    sum0 += a[i][0] * right;
    sum1 += a[i][1] * right;
    sum2 += a[i][2] * right;
    sum3 += a[i][3] * right;
  }
  out[0] = sum0;
  out[1] = sum1;
  out[2] = sum2;
  out[3] = sum3;
}

SLUICE_EACH_PROCESSOR
void add(const Lanes* a, const Lanes* m, std::size_t rows, Lanes* into) {
  const Lanes m0 = m[0];
  const Lanes m1 = m[1];
  const Lanes m2 = m[2];
  const Lanes m3 = m[3];
  for (std::size_t i = 0; i < rows; ++i) {
    into[i] += (a[i][0] * m0 + a[i][1] * m1) + (a[i][2] * m2 + a[i][3] * m3);
  }
}

SLUICE_EACH_PROCESSOR
void product(const SparseRows& z, const Lanes* __restrict from, Lanes* __restrict to) {
  const std::uint32_t* const columns = z.column.data();
  const double* const values = z.value.data();
  const std::size_t* const row_begin = z.row_begin.data();
  const std::size_t rows = z.row_begin.size() - 1;
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t begin = row_begin[row];
    const std::size_t end = row_begin[row + 1];
    // Two sums, since one would wait for itself at each vote.
    Lanes even{};
    Lanes odd{};
    std::size_t i = begin;
    for (; i + 1 < end; i += 2) {
      even += values[i] * from[columns[i]];
      odd += values[i + 1] * from[columns[i + 1]];
    }
    if (i < end) even += values[i] * from[columns[i]];
    even += odd;
    for (i = begin; i + 1 < end; i += 2) {
      to[columns[i]] += values[i] * even;
      to[columns[i + 1]] += values[i + 1] * even;
    }
    if (i < end) to[columns[i]] += values[i] * even;
  }
}

}  // namespace

SmallBlock inner_product(const TallBlock& a, const TallBlock& b) {
  SmallBlock made;
  inner(lanes(a.data()), lanes(b.data()), a.size(), lanes(made.data()));
  return made;
}

void add_product(const TallBlock& a, const SmallBlock& m, TallBlock& into) {
  add(lanes(a.data()), lanes(m.data()), a.size(), lanes(into.data()));
}

void gram_product(const SparseRows& z, const TallBlock& from, TallBlock& to) {
  to.assign(z.columns, Four{});
  product(z, lanes(from.data()), lanes(to.data()));
}

}  // namespace sluice::math
