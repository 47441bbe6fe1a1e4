#pragma once

#include <cmath>
#include <limits>

#include "pymargin/fine_line.hpp"

namespace pymargin {

/// Where a line in pairs is 0, to within an error: which float64 answers for it, nearly always.
class FineCrossing {
  public:
    FineCrossing() noexcept = default;

    /// Of a line at `place` of the variable over `base`, a decimal; `relative` bounds the depth of
    /// its formula in units u, see FineLine.
    FineCrossing(const FineLine& line, double place, double base, double relative) noexcept
        : slope_(line.slope()) {
        const double distance = -(line.pair().value + line.pair().rest) / slope_;
        const double of_slope = 4 * relative * line.size() / std::abs(place);
        const double of_value = 4 * relative * relative * line.size();
        // The slope is at least half of itself, or the error has no bound; so far from 0 products
        // of what pairs hold of decimals do not underflow.
        constexpr double least_place = 1e-90;
        is_settled_ = std::abs(slope_) > 2 * of_slope && std::abs(place) > least_place &&
                      std::abs(distance) <= 0.5 * FineLine::neighbourhood * std::abs(place);
        error_ = 2 * (of_value + of_slope * std::abs(distance)) / std::abs(slope_) +
                 8 * unit_roundoff * std::abs(distance);
        Pair zero = detail::two_sum(place, distance);
        if (base != 1) {
            zero = zero * pair_of(base);
            error_ = error_ * base + 8 * unit_roundoff * unit_roundoff * std::abs(zero.value);
            zero = detail::two_sum(zero.value, zero.rest);
        }
        zero_ = zero;
    }

    /// Which way the margin goes, and about where it is 0.
    bool rises() const noexcept {
        return slope_ > 0;
    }
    double near() const noexcept {
        return zero_.value;
    }
    /// Whether the zero lies where the line does, and the error has a bound.
    bool is_settled() const noexcept {
        return is_settled_;
    }

    /// The float64 nearest to the zero; NaN where it may be either of two.
    double nearest() const noexcept {
        const double low = zero_.value + (zero_.rest - 2 * error_);
        const double high = zero_.value + (zero_.rest + 2 * error_);
        return low == high ? low : std::numeric_limits<double>::quiet_NaN();
    }

    /// The last float64 on the way from the safe side whose decimal has reached the zero: the
    /// nearest or its neighbour. NaN where that is not known.
    double boundary(bool safe_is_up) const noexcept {
        const double at = nearest();
        if (std::isnan(at)) {
            return at;
        }
        const Pair decimal = pair_of(at);
        const double beyond = ((decimal.value - zero_.value) + decimal.rest) - zero_.rest;
        if (!(std::abs(beyond) > 2 * error_ + 8 * unit_roundoff * std::abs(zero_.rest))) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        const bool is_reached = (beyond < 0) == safe_is_up;
        return is_reached ? at : std::nextafter(at, safe_is_up ? -HUGE_VAL : HUGE_VAL);
    }

  private:
    Pair zero_;
    double slope_ = 0;
    double error_ = 0;
    bool is_settled_ = false;
};

}  // namespace pymargin
