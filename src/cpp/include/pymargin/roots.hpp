#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "pymargin/newton.hpp"
#include "pymargin/parallel.hpp"

namespace pymargin {

/// What a search for roots took, over all subjects.
struct Effort {
    std::int64_t passes = 0;  ///< in float64 over the rows of a subject
    std::int64_t walks = 0;   ///< subjects that were walked from edge to edge, exactly
};

/// The roots of one account (a subject: see below) by walking from edge to edge in exact numbers.
/// Right for every movement and every rule, and slow. False where the roots would be zeros of
/// polynomials of degree above 2.
template <class Subject>
bool walk_exactly(const Subject& subject, const Question& question, Root* root) {
    const Range range = question.range_of(subject.reach());
    const auto holds = [&](const auto& x) { return subject.is_due(x); };
    const bool is_due = holds(question.start);
    bool is_solvable = true;
    bool has_root = false;
    const auto side = [&](bool up, const std::optional<Quotient>& end) {
        const auto found = first_change(holds, question.start, up, end, &is_solvable);
        if (!found) {
            return std::numeric_limits<double>::quiet_NaN();
        }
        has_root = true;
        const double nearest = nearest_float(*found);
        if (!question.is_exact) {
            return nearest;
        }
        // From a safe start what is due lies beyond the root; from one that is due, before it.
        return detail::boundary_float(
            nearest, [&](double x) { return subject.is_due(Quotient(x)); }, up == is_due);
    };
    root->below = side(false, range.low);
    root->above = side(true, range.high);
    root->reason = is_due ? RootReason::already : has_root ? RootReason::ok : RootReason::never;
    return is_solvable;
}

/// Where the roots of n accounts go.
struct RootArrays {
    double* below;
    double* above;
    std::uint8_t* reason;
    std::uint16_t* gaps;  ///< action bits of accounts that are unpriced, else 0
};

/// The roots of subjects 0 to n, subject(k) being one. Returns the number of one whose roots would
/// be zeros of a polynomial of degree above 2, or -1.
template <class SubjectOf>
std::int64_t find_roots(std::int64_t n, const SubjectOf& subject_of, const Question& question,
                        const RootArrays& out, int threads, Effort* effort) {
    std::atomic<std::int64_t> unsolvable{-1};
    std::atomic<std::int64_t> passes{0};
    std::atomic<std::int64_t> walks{0};
    const auto find = [&](const auto& subject, std::int64_t k, Effort* mine) {
        Root root;
        out.gaps[k] = subject.gaps();
        if (out.gaps[k] != 0) {
            root.reason = RootReason::unpriced;
        } else if (!subject.is_exposed()) {
            root.reason = RootReason::no_exposure;
        } else if (subject.is_free()) {
            root.reason = RootReason::never;
        } else if (!question.is_any_test || !subject.is_concave() ||
                   !find_by_newton(subject, question, &root)) {
            mine->passes += root.passes;
            ++mine->walks;
            root = {};
            if (!walk_exactly(subject, question, &root)) {
                unsolvable = k;
            }
        }
        mine->passes += root.passes;
        out.below[k] = root.below;
        out.above[k] = root.above;
        out.reason[k] = static_cast<std::uint8_t>(root.reason);
    };
    constexpr std::int64_t least_per_thread = 256;
    parallel_for(
        n, thread_count(threads),
        [&](std::int64_t begin, std::int64_t end) {
            Effort mine;
            for (std::int64_t k = begin; k < end; ++k) {
                find(subject_of(k), k, &mine);
            }
            passes += mine.passes;
            walks += mine.walks;
        },
        least_per_thread);
    if (effort != nullptr) {
        *effort = {passes, walks};
    }
    return unsolvable;
}

}  // namespace pymargin
