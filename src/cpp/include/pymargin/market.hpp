#pragma once

#include <cstdint>

#include "pymargin/schedule.hpp"

namespace pymargin {

/// What a mode asks of one asset through one of its tables.
struct TableEntry {
    double first_cap;       ///< at or below it a value is in the first step, rounding or not
    double first_rate;      ///< most values fall into the first step, which has no offset
    std::int32_t schedule;  ///< -1: none (never asked for, see Market::gaps)
};

/// The entry of a schedule: its first cap is lowered by more than a value's rounding. A single
/// closed step has no next one, but a last cap to be noticed.
inline TableEntry table_entry(const ScheduleTable& schedules, std::int32_t schedule) noexcept {
    const Step& first = *schedules.steps(schedule);
    const double last_cap = schedules.last_cap(schedule);
    const double first_cap = first.cap < last_cap ? first.cap : last_cap;
    return {first_cap * (1 - cap_slack), first.rate, schedule};
}

/// Prices and schedules of all assets of a book for one evaluation of a mode with `n_tables`.
template <int n_tables>
struct MarketRow {
    double price;  ///< USDT, finite; of no meaning where `gaps` has both bits
    TableEntry tables[n_tables];
};

/// What a formula over positions asks of an instrument beside its price and its schedule.
struct InstrumentTerms {
    double weight;  ///< what a shortage and margins count at, in the price's unit; < 0: a position
    double price;   ///< as given: of a position its mark price
    double contract_size;  ///< of an inverse contract, whose price is size / mark price; else 0
};

template <int n_tables>
struct Market {
    const ScheduleTable* schedules;
    const MarketRow<n_tables>* rows;
    /// Per asset: action_unpriced_asset where holding it cannot be valued, action_unpriced_debt
    /// where owing it cannot; null where there is no such asset.
    const std::uint16_t* gaps;
    /// The greatest rate of any schedule, at least 1: bounds how far a rounding can grow.
    double steepest;
    /// Of each row, where the mode has positions.
    const InstrumentTerms* terms = nullptr;
};

/// The value of `v` where it is not surely within the first step; notes a closed last cap, and the
/// end of a step of rate 0, where only exact arithmetic tells nothing from very little. Without a
/// schedule (an asset that is only owed, under a table of holdings) the value is 0.
PYMARGIN_INLINE double value_beyond_first_step(const ScheduleTable& schedules, int schedule,
                                               double v, double extent, Notes& notes) noexcept {
    if (schedule < 0) {
        return 0;
    }
    const double last_cap = schedules.last_cap(schedule);
    const double doubt = cap_slack * extent;
    if (v > last_cap + doubt) {
        notes.beyond_tiers = true;
    } else if (v >= last_cap - doubt) {
        notes.ambiguous = true;
    }
    for (const Step* step = schedules.steps(schedule); step->rate == 0 && v > step->cap - doubt;
         ++step) {
        notes.ambiguous = notes.ambiguous || v <= step->cap + doubt;
    }
    return schedules.value(schedule, v);
}

/// One asset as a formula over double sees it.
template <int n_tables>
class FloatAsset {
  public:
    FloatAsset(const Market<n_tables>& market, const MarketRow<n_tables>& row,
               Notes& notes) noexcept
        : market_(market), row_(row), notes_(notes) {
    }

    double price() const noexcept {
        return row_.price;
    }

    /// The value of `v` >= 0 under a table.
    template <int table>
    double value(double v) const noexcept {
        const TableEntry& entry = row_.tables[table];
        if (v <= entry.first_cap) {
            return entry.first_rate * v;
        }
        return value_beyond_first_step(*market_.schedules, entry.schedule, v, v, notes_);
    }

    /// The same where `v` is a difference, rounded relative to the greater `extent`.
    template <int table>
    double value(double v, double extent) const noexcept {
        const TableEntry& entry = row_.tables[table];
        if (v + cap_slack * extent <= entry.first_cap) {
            return entry.first_rate * v;
        }
        return value_beyond_first_step(*market_.schedules, entry.schedule, v, extent, notes_);
    }

  private:
    const Market<n_tables>& market_;
    const MarketRow<n_tables>& row_;
    Notes& notes_;
};

/// The same asset as a formula over integers sees it: the shortest decimal of its price, the
/// schedules as the rules state them.
template <int n_tables, class Number>
class ExactAsset {
  public:
    ExactAsset(const Market<n_tables>& market, const MarketRow<n_tables>& row,
               Notes& notes) noexcept
        : market_(market), row_(row), price_(row.price), notes_(notes) {
    }

    const Number& price() const noexcept {
        return price_;
    }

    template <int table>
    Number value(const Number& v) const noexcept {
        const int schedule = row_.tables[table].schedule;
        return v.sign() == 0 ? Number() : market_.schedules->value(schedule, v, notes_);
    }

    template <int table>
    Number value(const Number& v, const Number& /*extent*/) const noexcept {
        return value<table>(v);
    }

  private:
    const Market<n_tables>& market_;
    const MarketRow<n_tables>& row_;
    const Number price_;
    Notes& notes_;
};

}  // namespace pymargin
