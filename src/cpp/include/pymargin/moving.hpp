#pragma once

#include <optional>
#include <vector>

#include "pymargin/number.hpp"
#include "pymargin/quotient.hpp"

namespace pymargin {

/// A polynomial in one variable: its coefficients, constant first, the last not 0.
using Polynomial = std::vector<Quotient>;

/// One step of a walk: where it starts, which way it goes, and how far its outcomes hold.
struct Path {
    Quotient at;
    bool up;
    std::optional<Quotient> reach{};  ///< every comparison so far keeps its outcome up to here
    bool is_solvable = true;          ///< false once a zero of degree above 2 was asked for

    /// Notes that an outcome may change so far from the start of the step.
    void note(const Quotient& distance);
};

/// A number that moves: what a formula gives when one of its inputs is a variable, exactly.
///
/// A quotient of two polynomials in lowest terms. Given to a formula in place of a number it gives
/// the same formula as a function of the variable. Where the formula compares (a cap, a sign, a
/// threshold) the comparison is decided as it stands right after the start of the path, in its
/// direction, and the path notes how far the outcome holds.
class Moving {
  public:
    Moving() = default;
    explicit Moving(const Quotient& value);
    explicit Moving(Decimal decimal) : Moving(Quotient(decimal)) {
    }
    explicit Moving(double value) : Moving(Quotient(value)) {
    }
    /// The variable of a path, which must outlive every number made from it.
    static Moving variable(Path& path);

    Moving& operator+=(const Moving& other) {
        return *this = *this + other;
    }
    friend Moving operator+(const Moving& left, const Moving& right);
    friend Moving operator-(const Moving& left, const Moving& right);
    friend Moving operator*(const Moving& left, const Moving& right);
    /// `right` is not 0.
    friend Moving operator/(const Moving& left, const Moving& right);

    /// -1, 0 or 1, right after the start of the path.
    int sign() const;
    friend bool operator<(const Moving& left, const Moving& right) {
        return (left - right).sign() < 0;
    }
    friend bool operator>(const Moving& left, const Moving& right) {
        return right < left;
    }

  private:
    Moving(Polynomial top, Polynomial bottom, Path* path);

    Polynomial top_;
    Polynomial bottom_;  ///< empty: 1; else of degree 1 or more, its greatest coefficient 1
    Path* path_ = nullptr;
};

template <>
inline constexpr bool is_exact<Moving> = true;

/// The float64 nearest to a value; infinite beyond the greatest.
double nearest_float(const Quotient& value);

/// A float64 itself, every bit of it, where Quotient(double) is its shortest decimal.
Quotient binary_value(double value);

/// Walks from a point to the first one at which a decision changes; nothing where none is.
///
/// `holds` is the decision as a function of the variable, of a Quotient (a point) and of a Moving.
/// One that changes for a single point only, to be what it was right after, has not changed. At the
/// very end of the way, if it has one, a decision that comes to hold counts. `is_solvable` turns
/// false, and nothing is found, where a zero of a polynomial of degree above 2 would be needed.
template <class Holds>
std::optional<Quotient> first_change(const Holds& holds, const Quotient& start, bool up,
                                     const std::optional<Quotient>& end, bool* is_solvable) {
    const bool before = holds(start);
    Quotient at = start;
    while (!end || (at - *end).sign() != 0) {
        Path path{at, up, end};
        const bool after = holds(Moving::variable(path));
        if (!path.is_solvable) {
            *is_solvable = false;
            return std::nullopt;
        }
        if (after != before) {
            return at;
        }
        if (!path.reach) {
            return std::nullopt;
        }
        at = *path.reach;
    }
    return !before && holds(at) ? std::optional<Quotient>(at) : std::nullopt;
}

}  // namespace pymargin
