#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "book.hpp"
#include "decisions.hpp"
#include "pymargin/market.hpp"
#include "schedules.hpp"

namespace pymargin::bindings {

/// Prices and schedule numbers of one call, laid out for the core.
template <int n_tables>
class MarketRows {
  public:
    MarketRows(const Schedules& schedules, const py::array& price, const py::array& schedule_ids,
               const py::object& gaps)
        : schedules_(schedules.table()), rows_(static_cast<std::size_t>(price.size())) {
        const std::int64_t n = price.size();
        const auto* const prices = input<double>(price, "price", n);
        const auto* const ids = input<std::int32_t>(schedule_ids, "schedule_ids", n_tables * n);
        for (std::int64_t asset = 0; asset < n; ++asset) {
            auto& row = rows_[static_cast<std::size_t>(asset)];
            // Accounts with a missing price are not evaluated; whatever else reads a row sees 0.
            row.price = std::isfinite(prices[asset]) ? prices[asset] : 0;
            for (int table = 0; table < n_tables; ++table) {
                row.tables[table] = entry(ids[table * n + asset]);
            }
        }
        const std::uint16_t* gap_bits =
            gaps.is_none()
                ? nullptr
                : input<std::uint16_t>(py::reinterpret_borrow<py::array>(gaps), "gaps", n);
        market_ = {&schedules_, rows_.data(), gap_bits, schedules.steepest()};
    }

    const Market<n_tables>& market() const noexcept {
        return market_;
    }

  private:
    TableEntry entry(std::int32_t schedule) const {
        if (schedule < 0) {
            return {std::numeric_limits<double>::infinity(), 0, schedule};
        }
        if (schedule >= schedules_.size()) {
            refuse("schedule_ids", "below " + std::to_string(schedules_.size()));
        }
        return table_entry(schedules_, schedule);
    }

    ScheduleTable schedules_;
    std::vector<MarketRow<n_tables>> rows_;
    Market<n_tables> market_{};
};

/// What every question about a book's balances is given.
struct Call {
    const Book& book;
    const Schedules& schedules;
    const py::array& price;
    const py::array& schedule_ids;
    const py::object& gaps;
    const Decisions& decisions;
    const py::object& class_of;
    const py::object& slot_class_of;

    DecisionTable decision_table() const {
        return decisions.table(classes(class_of, "class_of"));
    }

    const std::uint32_t* classes(const py::object& array, const char* name) const {
        return array.is_none() ? nullptr
                               : input<std::uint32_t>(py::reinterpret_borrow<py::array>(array),
                                                      name, book.n_accounts());
    }
};

}  // namespace pymargin::bindings
