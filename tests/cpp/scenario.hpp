#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "book.hpp"
#include "draw.hpp"
#include "pymargin/row.hpp"

namespace pymargin::test {

/// Random rules, prices and accounts, drawn to sit where rounding matters: on caps and beside
/// them, holdings that nearly equal debts, equity that nearly cancels, every magnitude.
class Scenario {
  public:
    static constexpr int n_assets = 8;

    explicit Scenario(std::uint64_t seed) : draw(seed) {
        const int flat = rules.add({{{{1, 0}, {1, 0}}}, End::open});
        const bool is_steep = draw.one_in(12);
        for (int asset = 0; asset < n_assets; ++asset) {
            Asset one;
            one.price = asset == 0 ? 1.0 : random_price();
            one.collateral = asset == 0 ? flat : random_collateral();
            one.borrow = asset == 0 ? flat : random_collateral();
            one.transfer_out = asset == 0 ? flat : random_collateral();
            one.maintenance = random_margin(is_steep);
            one.initial = random_margin(is_steep);
            assets.push_back(one);
        }
    }

    Account account() {
        Account result;
        const bool is_extreme = draw.one_in(12);
        for (int asset = 0; asset < n_assets; ++asset) {
            const Entry entry = random_entry(asset, is_extreme);
            // A book keeps no entry without a quantity.
            const bool is_kept =
                entry.free > 0 || entry.locked > 0 || entry.borrowed > 0 || entry.interest > 0;
            if (is_kept && draw.one_in(2)) {
                result.entries.push_back(entry);
            }
        }
        if (draw.one_in(3)) {
            for (int order = draw.below(3); order >= 0; --order) {
                result.orders.push_back(random_order(result, is_extreme));
            }
        } else if (draw.one_in(3)) {
            result.open_order_loss = random_quantity(is_extreme);
        }
        return result;
    }

    /// The account with a threshold of the mode within a few ulp of being reached.
    template <class Mode>
    Account balanced(Account account) {
        const MarketOf<Mode> market(rules, assets);
        const Decisions<Mode> decisions;
        const DecisionTable table = decisions.table();
        const int test = draw.below(table.n_tests);
        account.open_order_loss = 0;
        account.entries.erase(std::remove_if(account.entries.begin(), account.entries.end(),
                                             [](const Entry& entry) { return entry.asset == 0; }),
                              account.entries.end());
        account.entries.push_back({0, 0, 0, 0, 0});
        const Book<> book(account);
        Notes notes;
        const auto sums = sum_row<Mode, double>(book.view(), market.market(), 0, notes);
        const Ratio<double> level = Mode::level(sums, table.test_level[test]);
        const double theta = table.thresholds[test].value;
        const double excess = level.numerator - theta * level.denominator;
        if (!std::isfinite(excess)) {
            return account;
        }
        if (excess < 0) {
            account.entries.back().free = draw.near(-excess);
        } else if (Mode::counts_orders) {
            account.open_order_loss = draw.near(excess);
        } else {
            account.entries.back().borrowed = draw.near(excess / theta);
        }
        return account;
    }

    Draw draw;
    Rules rules;
    std::vector<Asset> assets;

  private:
    double random_price() {
        switch (draw.below(8)) {
            case 0:
                return draw.any_of({0.0, 1e-100, 1e100, 1.0});
            case 1:
                return draw.decimal(-99, 99);
            default:
                return draw.decimal(-8, 5);
        }
    }
    int random_collateral() {
        const End end = draw.one_in(2) ? End::open : End::excess_is_zero;
        return rules.add(random_tiers(draw.one_in(3) ? 1000000 : 950000, -30000, end));
    }
    int random_margin(bool is_steep) {
        const End end = draw.one_in(2) ? End::open : End::excess_goes_on;
        Schedule schedule = random_tiers(draw.below(40000), 30000, end);
        if (is_steep) {
            schedule.tiers.back().rate = {999999999999999999, -draw.below(6)};
        }
        return rules.add(schedule);
    }
    Schedule random_tiers(std::int64_t rate, std::int64_t change, End end) {
        Schedule schedule{{}, end};
        std::int64_t cap = 0;
        const int places = draw.below(9);
        for (int n = 1 + draw.below(5); n > 0; --n) {
            cap += 1 + draw.below(1000000000);
            schedule.tiers.push_back({{cap, -places}, {rate, -6}});
            rate = std::max<std::int64_t>(0, rate + change);
        }
        return schedule;
    }
    double random_quantity(bool is_extreme) {
        if (!is_extreme || draw.one_in(2)) {
            return draw.decimal(-6, 8);
        }
        constexpr double extremes[] = {
            5e-324, 1.7976931348623157e308, 9007199254740991.0, 2.2250738585072014e-308, 1e-300,
            1e200};
        return draw.one_in(2) ? draw.any_of(extremes) : draw.any_float();
    }
    /// A quantity worth a cap of the schedule, or a few ulp beside it.
    double quantity_at_cap(int asset, int schedule) {
        const auto& tiers = rules.schedule(schedule).tiers;
        const auto& tier =
            tiers[static_cast<std::size_t>(draw.below(static_cast<int>(tiers.size())))];
        const double price = assets[static_cast<std::size_t>(asset)].price;
        const double quantity = BigDecimal(tier.cap).rounded() / price;
        return std::isfinite(quantity) ? draw.near(quantity) : 1.0;
    }
    Entry random_entry(int asset, bool is_extreme) {
        const Asset& one = assets[static_cast<std::size_t>(asset)];
        Entry entry{asset, 0, 0, 0, 0};
        if (!draw.one_in(4)) {
            entry.free = draw.one_in(2) ? random_quantity(is_extreme)
                                        : quantity_at_cap(asset, one.collateral);
            entry.locked = draw.one_in(2) ? 0 : random_quantity(is_extreme);
        }
        switch (draw.below(4)) {
            case 0:
                break;
            case 1:
                entry.borrowed = random_quantity(is_extreme);
                entry.interest = draw.one_in(2) ? 0 : random_quantity(is_extreme);
                break;
            case 2:
                entry.borrowed =
                    quantity_at_cap(asset, draw.one_in(2) ? one.maintenance : one.initial);
                break;
            default:
                // Nearly all that is owned is owed.
                entry.borrowed = draw.near(entry.free);
                entry.interest = draw.near(entry.locked);
        }
        return entry;
    }
    Order random_order(const Account& account, bool is_extreme) {
        Order order{draw.below(n_assets), random_quantity(is_extreme), draw.below(n_assets),
                    random_quantity(is_extreme)};
        if (!account.entries.empty() && draw.one_in(2)) {
            const Entry& entry = account.entries.front();
            order.give_asset = entry.asset;
            order.give_quantity = draw.near(entry.free);
        }
        return order;
    }
};

}  // namespace pymargin::test
