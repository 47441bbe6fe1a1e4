#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "kernels/grid.hpp"
#include "pymargin/grid.hpp"
#include "pymargin/parallel.hpp"

namespace pymargin {

// A grid of accounts of any kind is given as a class `Grid` of
//   Mode, Call (what evaluate_grid is called with), Job (what a kernel is given)
//   Tile      accounts as kernels take them: fill(call, begin, end), give(job, call)
//   OneByOne  a GridRare: one account under one scenario
//   run_avx2(job)

/// What one tile of accounts adds to the totals over accounts, block by block; empty where they are
/// not wanted.
struct GridTotals {
    static constexpr std::size_t counts_of_block = n_action_flags * kernels::grid_block;

    std::vector<std::uint16_t> counts;  ///< blocks x n_action_flags x grid_block
    std::vector<double> shortfall;      ///< blocks x grid_block
};

/// One thread's work on the tiles that it is given.
template <class Grid>
class GridWorker {
  public:
    using Mode = typename Grid::Mode;
    using Call = typename Grid::Call;
    using Job = typename Grid::Job;

    GridWorker(const Call& call, Implementation implementation)
        : call_(call), implementation_(implementation), one_by_one_(call) {
    }

    GridTotals run(std::int64_t begin, std::int64_t end) {
        const GridOutputs<Mode>& outputs = call_.outputs;
        constexpr double infinity = std::numeric_limits<double>::infinity();
        constexpr double nan = std::numeric_limits<double>::quiet_NaN();
        const std::size_t n_blocks = call_.scenarios.n_blocks();
        GridTotals totals;
        if (outputs.action_counts != nullptr) {
            totals.counts.resize(n_blocks * GridTotals::counts_of_block);
        }
        if (outputs.shortfall != nullptr) {
            totals.shortfall.resize(n_blocks * kernels::grid_block);
        }
        tile_.fill(call_, begin, end);
        if (outputs.worst_level != nullptr) {
            std::fill(outputs.worst_level + begin, outputs.worst_level + end, infinity);
            std::fill(outputs.worst_scenario + begin, outputs.worst_scenario + end, 0);
        }
        std::vector<std::uint16_t> n_clear(n_blocks);
        Job job = job_of(totals);
        job.n_clear = n_clear.data();
        run_kernel(job);
        for (const std::int64_t account : tile_.alone()) {
            run_alone(job, account);
        }
        count_others(job);
        for (const std::int64_t account : tile_.free()) {
            write_same(account, infinity, call_.table.actions[0]);
        }
        for (const auto& one : tile_.unpriced()) {
            write_same(one.account, nan, one.gaps);
            if (outputs.worst_level != nullptr) {
                outputs.worst_level[one.account] = nan;
                outputs.worst_scenario[one.account] = -1;
            }
        }
        return totals;
    }

  private:
    Job job_of(GridTotals& totals) {
        Job job{};
        tile_.give(job, call_);
        job.schedules = call_.market.schedules;
        job.decisions = &call_.table;
        job.liquidation_test = call_.liquidation_test;
        job.outputs = call_.outputs;
        job.prices = call_.scenarios.by_block();
        job.greatest_prices = call_.scenarios.greatest_by_block();
        job.n_scenarios = call_.n_scenarios;
        job.n_blocks = static_cast<std::int64_t>(call_.scenarios.n_blocks());
        if (!totals.counts.empty()) {
            job.counts = totals.counts.data();
        }
        if (!totals.shortfall.empty()) {
            job.shortfall = totals.shortfall.data();
        }
        job.rare = &one_by_one_;
        return job;
    }

    void run_kernel(const Job& job) {
#if defined(__x86_64__)
        if (implementation_ == Implementation::avx2) {
            Grid::run_avx2(job);
            return;
        }
#endif
        static_cast<void>(implementation_);
        for (const auto& one : tile_.accounts()) {
            run_alone(job, one.account);
        }
    }

    /// Those whose actions are known without their sums, and those that a kernel found clear.
    void count_others(const Job& job) {
        for (std::int64_t scenario = 0; scenario < job.n_scenarios; ++scenario) {
            const std::size_t clear =
                tile_.free().size() + job.n_clear[scenario / kernels::grid_block];
            count(job, scenario, call_.table.actions[0], clear);
            for (const auto& one : tile_.unpriced()) {
                count(job, scenario, one.gaps, 1);
            }
        }
    }

    void run_alone(const Job& job, std::int64_t account) {
        for (std::int64_t scenario = 0; scenario < job.n_scenarios; ++scenario) {
            const kernels::GridResult<Mode> result = one_by_one_.redo(account, scenario);
            write(account, scenario, result);
            count(job, scenario, result.actions, 1);
            if (job.shortfall != nullptr) {
                job.shortfall[scenario] += result.missing;
            }
        }
    }

    static void count(const Job& job, std::int64_t scenario, unsigned actions,
                      std::size_t accounts) {
        for (; job.counts != nullptr && actions != 0; actions &= actions - 1) {
            const std::int64_t row =
                scenario / kernels::grid_block * n_action_flags + __builtin_ctz(actions);
            std::uint16_t& count =
                job.counts[row * kernels::grid_block + scenario % kernels::grid_block];
            count = static_cast<std::uint16_t>(count + accounts);
        }
    }

    void write(std::int64_t account, std::int64_t scenario,
               const kernels::GridResult<Mode>& result) {
        const GridOutputs<Mode>& outputs = call_.outputs;
        const std::int64_t at = account * call_.n_scenarios + scenario;
        for (int level = 0; level < Mode::n_levels; ++level) {
            if (outputs.levels[level] != nullptr) {
                outputs.levels[level][at] = result.levels[level];
            }
        }
        if (outputs.actions != nullptr) {
            outputs.actions[at] = result.actions;
        }
        if (outputs.worst_level != nullptr && result.levels[0] < outputs.worst_level[account]) {
            outputs.worst_level[account] = result.levels[0];
            outputs.worst_scenario[account] = static_cast<std::int32_t>(scenario);
        }
    }

    /// What is the same under every scenario.
    void write_same(std::int64_t account, double value, std::uint16_t actions) {
        const GridOutputs<Mode>& outputs = call_.outputs;
        const std::int64_t first = account * call_.n_scenarios;
        for (double* level : outputs.levels) {
            if (level != nullptr) {
                std::fill_n(level + first, call_.n_scenarios, value);
            }
        }
        if (outputs.actions != nullptr) {
            std::fill_n(outputs.actions + first, call_.n_scenarios, actions);
        }
    }

    const Call& call_;
    Implementation implementation_;
    typename Grid::OneByOne one_by_one_;
    typename Grid::Tile tile_;
};

/// In the order of the tiles: the sums do not depend on which thread took which.
template <class Mode>
void write_totals(const std::vector<GridTotals>& tiles, std::int64_t n_scenarios,
                  const GridOutputs<Mode>& outputs) {
    for (std::int64_t scenario = 0; scenario < n_scenarios; ++scenario) {
        const auto at = static_cast<std::size_t>(scenario);
        for (std::size_t flag = 0; outputs.action_counts != nullptr && flag < n_action_flags;
             ++flag) {
            std::int64_t& count = outputs.action_counts[at * n_action_flags + flag];
            count = 0;
            for (const GridTotals& tile : tiles) {
                count += tile.counts[at / kernels::grid_block * GridTotals::counts_of_block +
                                     flag * kernels::grid_block + at % kernels::grid_block];
            }
        }
        if (outputs.shortfall != nullptr) {
            outputs.shortfall[scenario] = 0;
            for (const GridTotals& tile : tiles) {
                outputs.shortfall[scenario] += tile.shortfall[at];
            }
        }
    }
}

/// Tile by tile, on some threads.
template <class Grid>
void run_grid_tiles(const typename Grid::Call& call, std::int64_t n_accounts, int threads,
                    Implementation implementation) {
    const std::int64_t n_tiles = (n_accounts + kernels::grid_tile - 1) / kernels::grid_tile;
    std::vector<GridTotals> tiles(static_cast<std::size_t>(n_tiles));
    parallel_for(
        n_tiles, thread_count(threads),
        [&](std::int64_t begin, std::int64_t end) {
            GridWorker<Grid> worker(call, implementation);
            for (std::int64_t tile = begin; tile < end; ++tile) {
                const std::int64_t first = tile * kernels::grid_tile;
                tiles[static_cast<std::size_t>(tile)] =
                    worker.run(first, std::min(first + kernels::grid_tile, n_accounts));
            }
        },
        1);
    write_totals(tiles, call.n_scenarios, call.outputs);
}

}  // namespace pymargin
