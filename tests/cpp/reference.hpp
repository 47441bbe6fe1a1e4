#pragma once

#include <vector>

#include "book.hpp"

namespace pymargin::test {

/// What the rules' text says of one account, in BigDecimal: no offsets, no templates over number
/// types, nothing of the core's formulas.
struct Reference {
    std::vector<Ratio<BigDecimal>> levels;
    bool is_beyond = false;
};

/// One account on its way to a Reference; the two modes add up on top of it.
class Valuation {
  public:
    Valuation(const Rules& rules, const std::vector<Asset>& assets, bool is_net)
        : rules_(rules), assets_(assets), is_net_(is_net) {
    }

    BigDecimal price(int asset) const {
        return shortest(at(asset).price);
    }
    /// min(A, D) p + CR(max(A - D, 0) p), or CR(A p).
    BigDecimal collateral(int asset, int schedule, const BigDecimal& owned,
                          const BigDecimal& owed) const {
        const BigDecimal matched = is_net_ ? smaller(owned, owed) : BigDecimal();
        return matched * price(asset) + tiered(schedule, (owned - matched) * price(asset));
    }
    BigDecimal tiered(int schedule, const BigDecimal& value) const {
        return value.sign() == 0 ? BigDecimal() : rules_.schedule(schedule).value(value);
    }
    /// Whether what an entry holds (after netting) stands above a closed last cap.
    bool is_beyond(int asset, int schedule, const BigDecimal& owned, const BigDecimal& owed) const {
        const BigDecimal unmatched = is_net_ ? positive_part(owned - owed) : owned;
        return unmatched.sign() != 0 &&
               rules_.schedule(schedule).is_beyond(unmatched * price(asset));
    }
    const Asset& at(int asset) const {
        return assets_[static_cast<std::size_t>(asset)];
    }

  private:
    const Rules& rules_;
    const std::vector<Asset>& assets_;
    bool is_net_;
};

inline BigDecimal owned_of(const Entry& entry) {
    return shortest(entry.free) + shortest(entry.locked);
}

inline BigDecimal owed_of(const Entry& entry) {
    return shortest(entry.borrowed) + shortest(entry.interest);
}

inline Reference classic_reference(const Rules& rules, const std::vector<Asset>& assets,
                                   const Account& account, ClassicMethodology methodology) {
    const bool is_net = methodology == ClassicMethodology::since_2026_06;
    const bool has_three = methodology != ClassicMethodology::since_2023;
    const Valuation valuation(rules, assets, is_net);
    Reference result;
    BigDecimal total_asset;
    BigDecimal liability;
    BigDecimal tiered[3];
    for (const Entry& entry : account.entries) {
        const Asset& asset = valuation.at(entry.asset);
        const BigDecimal owned = owned_of(entry);
        const BigDecimal owed = owed_of(entry);
        total_asset += owned * valuation.price(entry.asset);
        liability += owed * valuation.price(entry.asset);
        const int schedules[] = {asset.collateral, asset.borrow, asset.transfer_out};
        for (int table = 0; table < (has_three ? 3 : 1); ++table) {
            tiered[table] += valuation.collateral(entry.asset, schedules[table], owned, owed);
            result.is_beyond =
                result.is_beyond || valuation.is_beyond(entry.asset, schedules[table], owned, owed);
        }
    }
    result.levels = {{is_net ? tiered[0] : total_asset, liability},
                     {tiered[0], liability},
                     {tiered[has_three ? 1 : 0], liability},
                     {tiered[has_three ? 2 : 0], liability}};
    return result;
}

inline BigDecimal order_loss_of(const Valuation& valuation, const Account& account,
                                const Order& order, OrderLoss order_loss) {
    const auto term = [&](int asset, const BigDecimal& change) {
        BigDecimal owned;
        BigDecimal owed;
        for (const Entry& entry : account.entries) {
            if (entry.asset == asset && order_loss == OrderLoss::marginal) {
                owned = owned_of(entry);
                owed = owed_of(entry);
            }
        }
        const int schedule = valuation.at(asset).collateral;
        return valuation.collateral(asset, schedule, positive_part(owned + change), owed) -
               valuation.collateral(asset, schedule, owned, owed);
    };
    const BigDecimal given = shortest(order.give_quantity);
    const BigDecimal lost = order_loss == OrderLoss::marginal ? -term(order.give_asset, -given)
                                                              : term(order.give_asset, given);
    return positive_part(lost - term(order.get_asset, shortest(order.get_quantity)));
}

inline Reference pro_reference(const Rules& rules, const std::vector<Asset>& assets,
                               const Account& account, Reading reading, OrderLoss order_loss) {
    const Valuation valuation(rules, assets, reading == Reading::net);
    Reference result;
    BigDecimal equity = -shortest(account.open_order_loss);
    BigDecimal maintenance;
    BigDecimal initial;
    for (const Entry& entry : account.entries) {
        const Asset& asset = valuation.at(entry.asset);
        const BigDecimal owned = owned_of(entry);
        const BigDecimal owed = owed_of(entry);
        const BigDecimal debt = owed * valuation.price(entry.asset);
        equity += valuation.collateral(entry.asset, asset.collateral, owned, owed) - debt;
        maintenance += valuation.tiered(asset.maintenance, debt);
        initial += valuation.tiered(asset.initial, debt);
        result.is_beyond =
            result.is_beyond || valuation.is_beyond(entry.asset, asset.collateral, owned, owed) ||
            (debt.sign() != 0 && (rules.schedule(asset.maintenance).is_beyond(debt) ||
                                  rules.schedule(asset.initial).is_beyond(debt)));
    }
    for (const Order& order : account.orders) {
        equity += -order_loss_of(valuation, account, order, order_loss);
    }
    result.levels = {{equity, maintenance}, {equity - initial, Decimal{1, 0}}};
    return result;
}

template <ClassicMethodology methodology>
Reference reference_of(CrossClassic<methodology> /*mode*/, const Rules& rules,
                       const std::vector<Asset>& assets, const Account& account) {
    return classic_reference(rules, assets, account, methodology);
}

template <Reading reading, OrderLoss order_loss>
Reference reference_of(CrossPro<reading, order_loss> /*mode*/, const Rules& rules,
                       const std::vector<Asset>& assets, const Account& account) {
    return pro_reference(rules, assets, account, reading, order_loss);
}

/// The actions that the reference's levels give.
template <class Mode>
std::uint16_t reference_actions(const Reference& reference) {
    const Decisions<Mode> decisions;
    const DecisionTable table = decisions.table();
    unsigned bits = 0;
    for (int test = 0; test < table.n_tests; ++test) {
        const auto& level = reference.levels[static_cast<std::size_t>(table.test_level[test])];
        const BigDecimal distance =
            level.numerator - BigDecimal(table.thresholds[test].decimal) * level.denominator;
        const bool is_unburdened = level.denominator.sign() == 0 && level.numerator.sign() >= 0;
        bits |= distance.sign() <= 0 && !is_unburdened ? 1U << test : 0U;
    }
    return static_cast<std::uint16_t>(Decisions<Mode>::actions_of(bits) |
                                      (reference.is_beyond ? action_beyond_tiers : 0));
}

}  // namespace pymargin::test
