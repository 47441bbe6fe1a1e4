#pragma once

#include <cstdint>

#include "pymargin/grid.hpp"
#include "pymargin/slots.hpp"

namespace pymargin::kernels {

/// Scenarios that are taken together: a row of prices is two cache lines.
constexpr int grid_block = 4 * lanes;

/// Accounts whose sums over scenarios are kept apart, so that a total never depends on threads.
constexpr std::int64_t grid_tile = 1024;

/// What a grid kernel leaves to code that is not vectorised.
class GridRare {
  public:
    virtual ~GridRare() = default;

    /// Evaluates one account under one scenario, writes and counts its actions, adds what it lacks
    /// to `shortfall` and returns its level.
    virtual double redo(std::int64_t account, std::int64_t scenario,
                        double* shortfall) noexcept = 0;
};

/// One block of scenarios of one tile of accounts.
template <class Mode, class AssetId>
struct GridJob {
    const AccountArrays<AssetId>* accounts;
    const Market<Mode::n_tables>* market;
    const DecisionTable* decisions;
    int liquidation_test;
    GridOutputs outputs;            ///< its worst fields hold what earlier blocks found
    const std::uint16_t* unpriced;  ///< per account of the tile: the UNPRICED actions, or 0
    const double* prices;           ///< n_assets x grid_block
    const double* greatest_price;   ///< per asset, over all scenarios
    std::int64_t n_scenarios;
    std::int64_t first_scenario;
    std::int64_t first_account;
    std::int64_t last_account;
    std::uint32_t* others;      ///< grid_block: accounts that are not clear of every threshold
    std::uint32_t* bit_counts;  ///< grid_block x (1 << n_tests): those of them not redone, by bits
    double* shortfall;          ///< grid_block
    GridRare* rare;
};

template <class Mode, class AssetId>
void run_grid_avx2(const GridJob<Mode, AssetId>& job) noexcept;

}  // namespace pymargin::kernels
