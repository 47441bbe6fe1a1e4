#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "pool_book.hpp"
#include "pymargin/market.hpp"
#include "schedules.hpp"

namespace pymargin::bindings {

/// Prices, weights and schedule numbers of all instruments, laid out for the core.
class PoolMarket {
  public:
    PoolMarket(const Schedules& schedules, const py::array& price, const py::array& weight,
               const py::array& given_price, const py::array& contract_size,
               const py::array& schedule_ids, const py::object& gaps, std::int64_t n)
        : schedules_(schedules.table()) {
        const auto* const prices = input<double>(price, "price", n);
        const auto* const weights = input<double>(weight, "weight", n);
        const auto* const given = input<double>(given_price, "given_price", n);
        const auto* const sizes = input<double>(contract_size, "contract_size", n);
        const auto* const ids = input<std::int32_t>(schedule_ids, "schedule_ids", n);
        for (std::int64_t row = 0; row < n; ++row) {
            if (ids[row] >= schedules_.size()) {
                refuse("schedule_ids", "below " + std::to_string(schedules_.size()));
            }
            // Pools with a missing price are not evaluated; whatever else reads a row sees 0.
            const bool is_priced = std::isfinite(prices[row]) && std::isfinite(weights[row]);
            const TableEntry none{std::numeric_limits<double>::infinity(), 0, -1};
            rows_.push_back({is_priced ? prices[row] : 0,
                             {ids[row] < 0 ? none : table_entry(schedules_, ids[row])}});
            terms_.push_back({is_priced ? weights[row] : 0, given[row], sizes[row]});
        }
        if (!gaps.is_none()) {
            const auto* const bits =
                input<std::uint16_t>(py::reinterpret_borrow<py::array>(gaps), "gaps", n);
            gaps_.assign(bits, bits + n);
        }
        market_ = {&schedules_, rows_.data(), gaps_.empty() ? nullptr : gaps_.data(),
                   schedules.steepest(), terms_.data()};
    }

    const Market<1>& market() const noexcept {
        return market_;
    }

  private:
    ScheduleTable schedules_;
    std::vector<MarketRow<1>> rows_;
    std::vector<InstrumentTerms> terms_;
    std::vector<std::uint16_t> gaps_;
    Market<1> market_{};
};

}  // namespace pymargin::bindings
