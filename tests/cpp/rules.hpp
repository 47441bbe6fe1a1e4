#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "big_decimal.hpp"
#include "pymargin/fine_line.hpp"
#include "pymargin/market.hpp"
#include "pymargin/schedule.hpp"

namespace pymargin::test {

struct Tier {
    Decimal cap;  ///< not used in an open last tier
    Decimal rate;
};

enum class End {
    open,            ///< no last cap
    excess_is_zero,  ///< a collateral ratio above a closed last cap
    excess_goes_on,  ///< a margin rate above a closed last cap
};

struct Schedule {
    std::vector<Tier> tiers;
    End end;

    /// The value slice by slice, with no offsets: rate * (what of v lies in the tier).
    BigDecimal value(const BigDecimal& v) const {
        BigDecimal sum;
        BigDecimal floor;
        for (std::size_t k = 0; k < tiers.size(); ++k) {
            const bool goes_on = k + 1 == tiers.size() && end != End::excess_is_zero;
            const BigDecimal top = goes_on ? v : smaller(v, tiers[k].cap);
            sum += BigDecimal(tiers[k].rate) * positive_part(top - floor);
            floor = BigDecimal(tiers[k].cap);
        }
        return sum;
    }
    bool is_beyond(const BigDecimal& v) const {
        return end != End::open && BigDecimal(tiers.back().cap) < v;
    }
};

/// Owns schedules in the layout that the core reads.
class Rules {
  public:
    /// Returns the schedule's number.
    int add(const Schedule& schedule) {
        const auto& tiers = schedule.tiers;
        std::vector<Tier> steps = tiers;
        if (schedule.end == End::excess_is_zero) {
            steps.push_back({{0, 0}, {0, 0}});
        }
        BigDecimal offset;
        for (std::size_t k = 0; k < steps.size(); ++k) {
            const bool is_last = k + 1 == steps.size();
            const double cap = is_last ? infinity : BigDecimal(steps[k].cap).rounded();
            steps_.push_back({cap, BigDecimal(steps[k].rate).rounded(), offset.rounded()});
            decimals_.push_back({steps[k].cap, steps[k].rate});
            steepest_ = std::max(steepest_, steps_.back().rate);
            if (!is_last) {
                offset += BigDecimal(steps[k].cap) *
                          (BigDecimal(steps[k].rate) - BigDecimal(steps[k + 1].rate));
            }
        }
        begin_.push_back(static_cast<std::int32_t>(steps_.size()));
        fine_ = fine_steps(begin_, steps_, decimals_);
        const bool is_open = schedule.end == End::open;
        last_caps_.push_back(is_open ? infinity : BigDecimal(tiers.back().cap).rounded());
        last_cap_decimals_.push_back(is_open ? Decimal{0, 0} : tiers.back().cap);
        schedules_.push_back(schedule);
        return static_cast<int>(schedules_.size()) - 1;
    }

    ScheduleTable table() const {
        return ScheduleTable(static_cast<int>(schedules_.size()), begin_.data(), steps_.data(),
                             decimals_.data(), last_caps_.data(), last_cap_decimals_.data(),
                             fine_.data());
    }
    const Schedule& schedule(int number) const {
        return schedules_[static_cast<std::size_t>(number)];
    }
    double steepest() const {
        return steepest_;
    }

    TableEntry entry(int number) const {
        return number < 0 ? TableEntry{infinity, 0, number} : table_entry(table(), number);
    }

  private:
    static constexpr double infinity = std::numeric_limits<double>::infinity();

    std::vector<Schedule> schedules_;
    std::vector<std::int32_t> begin_{0};
    std::vector<Step> steps_;
    std::vector<DecimalStep> decimals_;
    std::vector<FineStep> fine_;
    std::vector<double> last_caps_;
    std::vector<Decimal> last_cap_decimals_;
    double steepest_ = 1;
};

}  // namespace pymargin::test
