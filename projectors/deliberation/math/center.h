#pragma once

// The mean vote of each opinion, and the votes minus it. A missing vote counts as the mean, so what
// is centered is as sparse as the votes. Source: the specification, sections 2 and 4.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "projectors/deliberation/math/vote_matrix.h"

namespace sluice::math {

// The status of each column.
[[nodiscard]] Per<Opinion, OpinionStatus> status_of_columns(const Conversation& conversation,
                                                            const VoteMatrix& votes);

// 0 where the column is zeroed.
[[nodiscard]] Per<Opinion, double> center_of(const Per<Opinion, Counts>& counts,
                                             const Per<Opinion, OpinionStatus>& status);

// A sparse matrix by rows, of any two kinds of things.
struct SparseRows {
  std::size_t columns = 0;
  std::vector<std::size_t> row_begin{0};
  std::vector<std::uint32_t> column;  // ascending in a row
  std::vector<double> value;

  [[nodiscard]] std::size_t rows() const { return row_begin.size() - 1; }
  [[nodiscard]] std::span<const std::uint32_t> columns_of(std::size_t row) const {
    return std::span(column).subspan(row_begin[row], row_begin[row + 1] - row_begin[row]);
  }
  [[nodiscard]] std::span<const double> values_of(std::size_t row) const {
    return std::span(value).subspan(row_begin[row], row_begin[row + 1] - row_begin[row]);
  }
};

// Votes minus means. Columns in which nobody differs from the mean are left out, zeroed ones too.
struct CenteredVotes {
  // A row a participant, the shortest first: a loop over rows of like length is guessed right by
  // the processor, and half the time of a product was wrong guesses.
  SparseRows rows;
  std::vector<Opinion> opinions;  // of the columns
};

[[nodiscard]] CenteredVotes centered(const VoteMatrix& votes, const Per<Opinion, Counts>& counts,
                                     const Per<Opinion, double>& center,
                                     const Per<Opinion, OpinionStatus>& status);

[[nodiscard]] SparseRows transposed(const SparseRows& matrix);

}  // namespace sluice::math
