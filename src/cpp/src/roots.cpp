#include <algorithm>
#include <cmath>

#include "pymargin/question.hpp"

namespace pymargin {

Question::Question(const Movement& moved, const std::optional<Reach>& given_reach,
                   const DecisionTable& due_table, bool wants_exact_floats)
    : movement(moved),
      due(due_table),
      is_exact(wants_exact_floats),
      reach(given_reach),
      start(moved.base) {
    movement.per_scale = 1 / movement.scale;
    movement.per_share = 1 / (movement.scale * movement.base);
    shared = movement;
    const unsigned combinations = 1U << due.n_tests;
    for (unsigned bits = 0; bits < combinations; ++bits) {
        bool any = false;
        for (int test = 0; test < due.n_tests; ++test) {
            any = any || ((bits >> test & 1U) != 0 && due.actions[std::size_t{1} << test] != 0);
        }
        is_any_test = is_any_test && any == (due.actions[bits] != 0);
    }
    // With theta below 0 a margin that rises would count for the account.
    const std::int64_t n_thresholds = due.n_classes * due.n_tests;
    for (std::int64_t k = 0; k < n_thresholds; ++k) {
        is_any_test = is_any_test && due.thresholds[k].value >= 0;
    }
}

Range Question::range_of(const Reach& own) const {
    const Quotient base(movement.base);
    const Quotient scale(movement.scale);
    Range range;
    if (own.greatest != movement.scale) {
        const Quotient steepest(own.greatest > 0 ? own.greatest : movement.scale);
        range.low = base - base * scale / steepest;
    }
    if (own.least < 0) {
        range.high = base + base * scale / Quotient(-own.least);
    }
    return range;
}

Shapes::Shapes(const ScheduleTable& schedules) {
    for (int schedule = 0; schedule < schedules.size(); ++schedule) {
        const Step* const steps = schedules.steps(schedule);
        bool falls = true;
        bool rises = true;
        for (int k = 1; k < schedules.step_count(schedule); ++k) {
            falls = falls && steps[k].rate <= steps[k - 1].rate;
            rises = rises && steps[k].rate >= steps[k - 1].rate;
        }
        last_rate_.push_back(steps[schedules.step_count(schedule) - 1].rate);
        falls_.push_back(falls ? 1 : 0);
        rises_.push_back(rises ? 1 : 0);
    }
}

PriceParts Question::price_parts(const Reach& own, double x) const noexcept {
    if (is_usual(own) && x >= 0) {
        return {};
    }
    const double share = movement.base > 0 ? x / movement.base : 1;
    PriceParts worst{1, std::max(1.0, std::abs(share))};
    for (const double weight : {own.greatest, own.least}) {
        const double part = weight / movement.scale;
        if (part > 1 || part < 0 || share < 0) {
            const double parts = std::abs(1 - part) + std::abs(part * share);
            const double left = 1 - part + part * share;
            worst.of_price = left > 0 ? std::max(worst.of_price, parts / left) : HUGE_VAL;
            worst.of_start = std::max(worst.of_start, parts);
        }
    }
    return worst;
}

}  // namespace pymargin
