#pragma once

#include <cstdint>

#include "pymargin/evaluate_slots.hpp"
#include "step_rows.hpp"

namespace pymargin::kernels {

/// One asset as a kernel loads it: price, then cap and rate of the first step of each table, padded
/// to whole vectors.
template <int n_tables>
struct alignas(32) LaneRow {
    static constexpr int n_vectors = (1 + 2 * n_tables + lanes - 1) / lanes;
    double values[n_vectors * lanes];
};

/// What a kernel leaves to code that is not vectorised.
class Rare {
  public:
    virtual ~Rare() = default;

    /// Evaluates the account in a slot row by row and overwrites its results.
    virtual void redo(std::int64_t slot) const noexcept = 0;
};

/// What the end of a slice reads, once the sums of its accounts are known, and where it writes.
template <class Mode>
struct EndJob {
    const DecisionTable* decisions;
    /// Thresholds of each class, padded to `lanes` or twice as many.
    const double* thresholds;
    int threshold_stride;
    const std::uint32_t* class_of;  ///< per slot; null: all in class 0
    Outputs<Mode> outputs;
    const Rare* rare;
    std::int64_t n_terms;  ///< at least those of any account
    const Market<Mode::n_tables>* market;
};

/// One pass over slices first to last of a book, everything that it reads and where it writes.
template <class Mode, class AssetId>
struct SliceJob : EndJob<Mode> {
    Slots<AssetId> slots;
    /// Not null: rows without orders to take instead of slots; a slot then is an account.
    const AccountArrays<AssetId>* accounts;
    const LaneRow<Mode::n_tables>* rows;
    StepRows steps;
    bool in_slot_order;
    std::int64_t first_slice;
    std::int64_t last_slice;
};

/// Runs a job whose slices are all full; specialised for every mode by the instruction set's
/// source.
template <class Mode, class AssetId>
void run_avx2(const SliceJob<Mode, AssetId>& job) noexcept;

}  // namespace pymargin::kernels
