#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/grid.hpp"

namespace pymargin {

/// Prices of one asset in one block of scenarios: whole cache lines.
struct alignas(64) PriceRow {
    double prices[kernels::grid_block];
};

/// The prices of all scenarios as the kernels load them, and the greatest of them.
class ScenarioPrices {
  public:
    ScenarioPrices(const double* prices, std::int64_t n_scenarios, std::int64_t n_assets)
        : n_assets_(static_cast<std::size_t>(n_assets)), greatest_(n_assets_, 0.0) {
        constexpr std::size_t size = kernels::grid_block;
        const auto last = static_cast<std::size_t>(n_scenarios) - 1;
        n_blocks_ = last / size + 1;
        by_block_.resize(n_blocks_ * n_assets_);
        greatest_by_block_.resize(n_blocks_ * n_assets_, 0.0);
        for (std::size_t k = 0; k < n_blocks_ * size; ++k) {
            // Lanes past the last scenario repeat it.
            const double* const given = prices + std::min(k, last) * n_assets_;
            for (std::size_t asset = 0; asset < n_assets_; ++asset) {
                const double price = std::isfinite(given[asset]) ? given[asset] : 0;
                by_block_[asset * n_blocks_ + k / size].prices[k % size] = price;
                double& greatest = greatest_by_block_[asset * n_blocks_ + k / size];
                greatest = std::max(greatest, price);
                greatest_[asset] = std::max(greatest_[asset], price);
            }
        }
    }

    std::size_t n_blocks() const noexcept {
        return n_blocks_;
    }
    /// n_assets x n_blocks x grid_block.
    const double* by_block() const noexcept {
        return by_block_.data()->prices;
    }
    /// n_assets x n_blocks.
    const double* greatest_by_block() const noexcept {
        return greatest_by_block_.data();
    }
    /// Of each asset over all scenarios.
    const double* greatest() const noexcept {
        return greatest_.data();
    }

  private:
    std::size_t n_assets_;
    std::size_t n_blocks_ = 0;
    std::vector<PriceRow> by_block_;
    std::vector<double> greatest_by_block_;
    std::vector<double> greatest_;
};

}  // namespace pymargin
