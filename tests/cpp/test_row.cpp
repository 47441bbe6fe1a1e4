#include <cmath>
#include <limits>

#include "check.hpp"
#include "pymargin/row.hpp"
#include "reference.hpp"
#include "scenario.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

constexpr int usdt = 0;
constexpr int coin = 1;
constexpr int bare = 2;  // may be owed in Classic, but never held: no schedule

constexpr unsigned trade = action_trade;
constexpr unsigned borrow = action_borrow;
constexpr unsigned transfer_out = action_transfer_out;
constexpr unsigned margin_call = action_margin_call;
constexpr unsigned liquidate = action_liquidate;
constexpr unsigned beyond_tiers = action_beyond_tiers;

/// USDT and a coin at 2 USDT with tiers that are easy to reckon with.
struct World {
    World() {
        const int one = rules.add({{{{1, 0}, {1, 0}}}, End::open});
        const int half = rules.add({{{{1, 0}, {5, -1}}}, End::open});
        const int two_fifths = rules.add({{{{1, 0}, {4, -1}}}, End::open});
        const int tenth = rules.add({{{{1, 0}, {1, -1}}}, End::open});
        const int falling =
            rules.add({{{{1000, 0}, {95, -2}}, {{2500, 0}, {8, -1}}, {{5000, 0}, {5, -1}}},
                       End::excess_is_zero});
        const int rising =
            rules.add({{{{100, 0}, {2, -2}}, {{1000, 0}, {5, -2}}}, End::excess_goes_on});
        assets = {{1, one, one, one, rising, tenth},
                  {2, falling, half, two_fifths, rising, tenth},
                  {1, -1, -1, -1, rising, tenth}};
    }

    template <class Mode>
    RowResult<Mode> run(const Account& account) const {
        const MarketOf<Mode> market(rules, assets);
        const Decisions<Mode> decisions;
        return evaluate_row<Mode>(Book<>(account).view(), market.market(), decisions.table(), 0);
    }
    template <class Mode>
    unsigned actions(const Account& account) const {
        return run<Mode>(account).actions;
    }

    Rules rules;
    std::vector<Asset> assets;
};

/// 1000 USDT of the coin, of which 25 are owed, and 500 USDT of debt.
Account borrower() {
    return {{{coin, 400, 100, 10, 2.5}, {usdt, 0, 0, 500, 0}}, {}, 0};
}

Account with_orders() {
    Account account = borrower();
    account.orders = {{coin, 100, usdt, 150}, {usdt, 1000, coin, 500}};
    return account;
}

template <class Mode>
void check_levels(const RowResult<Mode>& result, const std::vector<double>& expected) {
    CHECK_EQ(expected.size(), static_cast<std::size_t>(Mode::n_levels));
    for (std::size_t i = 0; i < expected.size(); ++i) {
        if (std::fabs(result.levels[i] - expected[i]) > 1e-14 * std::fabs(expected[i])) {
            CHECK_EQ(result.levels[i], expected[i]);
        }
    }
}

/// A debt of `owed` USDT against `owned` USDT.
Account plain(double owned, double owed) {
    return {{{usdt, owned, 0, 0, 0}, {bare, 0, 0, owed, 0}}, {}, 0};
}

}  // namespace

TEST(classic_2023_is_gross_with_one_ratio) {
    const auto result = World().run<Classic2023>(borrower());
    check_levels(result, {1000.0 / 525, 950.0 / 525, 950.0 / 525, 950.0 / 525});
    CHECK_EQ(result.actions, trade | borrow);
    CHECK_EQ(Classic2023::total(result.sums, Classic2023::total_asset), 1000.0);
    CHECK_EQ(Classic2023::total(result.sums, Classic2023::total_liability), 525.0);
    CHECK_EQ(Classic2023::total(result.sums, Classic2023::collateral_value), 950.0);
}

TEST(classic_2026_01_has_three_ratios) {
    const auto result = World().run<Classic2026January>(borrower());
    check_levels(result, {1000.0 / 525, 950.0 / 525, 500.0 / 525, 400.0 / 525});
    CHECK_EQ(result.actions, trade);
}

TEST(classic_2026_06_counts_matched_holdings_in_full) {
    const auto result = World().run<Classic2026June>(borrower());
    check_levels(result, {951.25 / 525, 951.25 / 525, 512.5 / 525, 415.0 / 525});
    CHECK_EQ(result.actions, trade);
}

TEST(pro_margins_are_progressive_over_debt_with_interest) {
    const auto result = World().run<ProGross>(borrower());
    check_levels(result, {425 / 22.5, 372.5});
    CHECK_EQ(result.actions, trade | borrow | transfer_out);
    CHECK_EQ(ProGross::total(result.sums, ProGross::net_collateral), 425.0);
    CHECK_EQ(ProGross::total(result.sums, ProGross::open_order_loss), 0.0);
    CHECK_EQ(ProGross::total(result.sums, ProGross::maintenance_margin), 22.5);
    CHECK_EQ(ProGross::total(result.sums, ProGross::initial_margin), 52.5);
}

TEST(pro_net_counts_matched_holdings_in_full) {
    check_levels(World().run<ProNet>(borrower()), {426.25 / 22.5, 373.75});
    check_levels(World().run<ProNetStandalone>(borrower()), {426.25 / 22.5, 373.75});
}

TEST(orders_lose_collateral_by_either_reading) {
    const World world;
    check_levels(world.run<ProGross>(with_orders()), {385 / 22.5, 332.5});
    check_levels(world.run<ProGrossStandalone>(with_orders()), {335 / 22.5, 282.5});
    check_levels(world.run<ProNet>(with_orders()), {386.25 / 22.5, 333.75});
    check_levels(world.run<ProNetStandalone>(with_orders()), {336.25 / 22.5, 283.75});
}

TEST(a_given_order_loss_lowers_pro_and_nothing_else) {
    const World world;
    Account account = borrower();
    account.open_order_loss = 40;
    check_levels(world.run<ProGross>(account), {385 / 22.5, 332.5});
    CHECK_EQ(world.run<Classic2023>(account).levels[0], 1000.0 / 525);
    CHECK_EQ(world.run<Classic2023>(with_orders()).levels[0], 1000.0 / 525);
}

TEST(an_empty_account_has_nothing_to_lose) {
    for_each_mode([](auto mode) {
        using Mode = decltype(mode);
        const auto result = World().run<Mode>({});
        CHECK_EQ(result.levels[0], std::numeric_limits<double>::infinity());
        // Nothing is owed, but Pro's available margin is not above 0.
        CHECK_EQ(result.actions,
                 Mode::counts_orders ? trade | transfer_out : trade | borrow | transfer_out);
    });
}

TEST(classic_thresholds_are_exact_to_the_last_digit) {
    const World world;
    const auto actions = [&](double owned, double owed) {
        return world.actions<Classic2023>(plain(owned, owed));
    };
    CHECK_EQ(actions(1.1, 1), liquidate);
    CHECK_EQ(actions(std::nextafter(1.1, 2), 1), trade | margin_call);
    CHECK_EQ(actions(0.33, 0.3), liquidate);
    CHECK_EQ(actions(1.3, 1), trade | margin_call);
    CHECK_EQ(actions(std::nextafter(1.3, 2), 1), trade);
    CHECK_EQ(actions(1.5, 1), trade);
    CHECK_EQ(actions(std::nextafter(1.5, 2), 1), trade | borrow);
    CHECK_EQ(actions(2, 1), trade | borrow);
    CHECK_EQ(actions(std::nextafter(2, 3), 1), trade | borrow | transfer_out);
}

TEST(pro_deficit_without_margin_is_liquidated) {
    // Nothing is owed, so there is no maintenance margin; the order loss leaves a deficit.
    Account account{{{usdt, 10, 0, 0, 0}}, {}, 10};
    const World world;
    CHECK_EQ(world.actions<ProGross>(account), trade | transfer_out);
    account.open_order_loss = std::nextafter(10, 11);
    const auto result = world.run<ProGross>(account);
    CHECK_EQ(result.actions, liquidate);
    CHECK_EQ(result.levels[0], -std::numeric_limits<double>::infinity());
}

TEST(exactly_on_the_last_cap_is_not_beyond) {
    const World world;
    const auto actions = [&](double owned) {
        return world.actions<Classic2023>({{{coin, owned, 0, 0, 0}}, {}, 0});
    };
    const unsigned all = trade | borrow | transfer_out;
    CHECK_EQ(actions(2500), all);
    CHECK_EQ(actions(std::nextafter(2500, 0)), all);
    CHECK_EQ(actions(std::nextafter(2500, 1e9)), all | beyond_tiers);
    CHECK_EQ(actions(1e300), all | beyond_tiers);
}

TEST(a_debt_beyond_its_brackets_is_noted_in_pro_only) {
    const World world;
    const Account account{{{usdt, 1e6, 0, 0, 0}, {bare, 0, 0, 1000, 5e-324}}, {}, 0};
    CHECK_EQ(world.actions<ProGross>(account) & beyond_tiers, beyond_tiers);
    CHECK_EQ(world.actions<Classic2023>(account) & beyond_tiers, 0U);
}

TEST(a_holding_matched_by_debt_is_not_beyond) {
    const World world;
    const Account account{{{coin, 1e9, 0, 1e9, 0}, {usdt, 1e9, 0, 0, 0}}, {}, 0};
    CHECK_EQ(world.actions<Classic2026January>(account) & beyond_tiers, beyond_tiers);
    CHECK_EQ(world.actions<Classic2026June>(account) & beyond_tiers, 0U);
}

TEST(a_single_closed_bracket_notes_what_is_beyond) {
    Rules rules;
    const int one = rules.add({{{{1, 0}, {1, 0}}}, End::open});
    const int closed = rules.add({{{{1000, 0}, {5, -2}}}, End::excess_goes_on});
    const std::vector<Asset> assets{{1, one, one, one, closed, closed}};
    const MarketOf<ProGross> market(rules, assets);
    const Decisions<ProGross> decisions;
    for (const double owed : {1000.0, 1001.0}) {
        const Book<> book({{{0, 1e6, 0, owed, 0}}, {}, 0});
        const auto result =
            evaluate_row<ProGross>(book.view(), market.market(), decisions.table(), 0);
        CHECK_EQ(result.actions & beyond_tiers, owed > 1000 ? beyond_tiers : 0U);
    }
}

TEST(sums_beyond_float64_still_have_levels_and_actions) {
    const World world;
    constexpr double large = 1.7e308;
    const Account account{{{usdt, large, large, 0, 0}, {bare, 0, 0, large, large}}, {}, 0};
    const auto level = [&](auto mode) { return world.run<decltype(mode)>(account).levels[0]; };
    CHECK_EQ(level(Classic2023{}), 1.0);
    CHECK_EQ(level(Classic2026June{}), 1.0);
    CHECK_EQ(level(ProGross{}), 0.0);
    for_each_mode([&](auto mode) {
        CHECK_EQ(world.actions<decltype(mode)>(account) & liquidate, liquidate);
    });
}

TEST(a_debt_beyond_float64_at_price_zero_is_nothing) {
    World world;
    world.assets[bare].price = 0;
    constexpr double large = 1.7e308;
    const Account account{{{usdt, 1, 0, 0, 0}, {bare, 0, 0, large, large}}, {}, 0};
    const auto result = world.run<Classic2026June>(account);
    CHECK_EQ(result.actions, trade | borrow | transfer_out);
    CHECK_EQ(result.levels[0], std::numeric_limits<double>::infinity());
}

TEST(a_level_below_float64_agrees_with_its_action) {
    World world;
    world.assets[coin].price = 1e-100;
    const Account account{{{coin, 1e-250, 0, 2e-250, 0}}, {}, 0};
    const auto result = world.run<Classic2023>(account);
    CHECK_EQ(result.actions, liquidate);
    CHECK_EQ(result.levels[0], 0.5);
}

TEST(margins_beyond_float64_still_have_levels) {
    Rules rules;
    const int one = rules.add({{{{1, 0}, {1, 0}}}, End::open});
    const int steep = rules.add({{{{1, 0}, {1, 9}}}, End::open});
    const std::vector<Asset> assets{{1, one, one, one, steep, steep}};
    const MarketOf<ProGross> market(rules, assets);
    const Decisions<ProGross> decisions;
    const Book<> book({{{0, 1.5e300, 0, 1e300, 0}}, {}, 0});
    const auto result = evaluate_row<ProGross>(book.view(), market.market(), decisions.table(), 0);
    CHECK_EQ(result.actions, liquidate);
    CHECK(std::fabs(result.levels[0] / 5e-10 - 1) <= 1e-15);
}

TEST(a_margin_that_overflows_alone_is_not_settled_by_float64) {
    // Equity 1.7e308 against a margin of 2e308: a level of 0.85, above a threshold of 0.5.
    Rules rules;
    const int one = rules.add({{{{1, 0}, {1, 0}}}, End::open});
    const int steep = rules.add({{{{1, 0}, {2, 8}}}, End::open});
    const std::vector<Asset> assets{{1, one, one, one, steep, steep}};
    const MarketOf<ProGross> market(rules, assets);
    const Threshold half{0.5, {5, -1}};
    const std::uint16_t actions[] = {action_trade, action_liquidate};
    DecisionTable table{};
    table.n_tests = 1;
    table.n_classes = 1;
    table.greatest_theta = 0.5;
    table.thresholds = &half;
    table.actions = actions;
    const Book<> book({{{0, 1.7e308, 0, 1e300, 0}}, {}, 0});
    CHECK_EQ(evaluate_row<ProGross>(book.view(), market.market(), table, 0).actions, trade);
}

TEST(actions_are_those_of_exact_decimals) {
    for_each_mode([](auto mode) {
        using Mode = decltype(mode);
        for (std::uint64_t seed = 0; seed < 60; ++seed) {
            Scenario scenario(seed);
            const MarketOf<Mode> market(scenario.rules, scenario.assets);
            const Decisions<Mode> decisions;
            for (int i = 0; i < 6; ++i) {
                Account account = scenario.account();
                account = i % 2 == 0 ? account : scenario.balanced<Mode>(account);
                const Book<> book(account);
                const auto result =
                    evaluate_row<Mode>(book.view(), market.market(), decisions.table(), 0);
                const Reference reference =
                    reference_of(mode, scenario.rules, scenario.assets, account);
                CHECK_EQ(result.actions, reference_actions<Mode>(reference));
            }
        }
    });
}

TEST(actions_do_not_depend_on_the_order_of_entries) {
    for_each_mode([](auto mode) {
        using Mode = decltype(mode);
        for (std::uint64_t seed = 100; seed < 200; ++seed) {
            Scenario scenario(seed);
            const MarketOf<Mode> market(scenario.rules, scenario.assets);
            const Decisions<Mode> decisions;
            const Account account = scenario.balanced<Mode>(scenario.account());
            Account reversed = account;
            std::reverse(reversed.entries.begin(), reversed.entries.end());
            std::reverse(reversed.orders.begin(), reversed.orders.end());
            const auto actions = [&](const Account& one) {
                return evaluate_row<Mode>(Book<>(one).view(), market.market(), decisions.table(), 0)
                    .actions;
            };
            CHECK_EQ(actions(account), actions(reversed));
        }
    });
}

TEST(wide_ids_give_the_same_bits) {
    for_each_mode([](auto mode) {
        using Mode = decltype(mode);
        const World world;
        const MarketOf<Mode> market(world.rules, world.assets);
        const Decisions<Mode> decisions;
        const Book<std::uint32_t> wide(with_orders());
        const auto result = evaluate_row<Mode>(wide.view(), market.market(), decisions.table(), 0);
        const auto narrow = world.run<Mode>(with_orders());
        CHECK_EQ(result.actions, narrow.actions);
        for (int level = 0; level < Mode::n_levels; ++level) {
            CHECK_EQ(result.levels[level], narrow.levels[level]);
        }
    });
}

TEST(gaps_concern_who_holds_owes_or_trades_the_asset) {
    const std::uint16_t gaps[] = {0, action_unpriced_asset, action_unpriced_debt};
    const auto found = [&](auto mode, const Account& account) {
        return gaps_of<decltype(mode)>(Book<>(account).view(), gaps, 0);
    };
    CHECK_EQ(found(Classic2023{}, {{{usdt, 1, 1, 1, 1}}, {}, 0}), 0);
    CHECK_EQ(found(Classic2023{}, {{{coin, 1, 0, 0, 0}}, {}, 0}), action_unpriced_asset);
    CHECK_EQ(found(Classic2023{}, {{{coin, 0, 1, 0, 0}}, {}, 0}), action_unpriced_asset);
    CHECK_EQ(found(Classic2023{}, {{{coin, 0, 0, 1, 1}}, {}, 0}), 0);
    CHECK_EQ(found(Classic2023{}, {{{bare, 1, 1, 0, 0}}, {}, 0}), 0);
    CHECK_EQ(found(Classic2023{}, {{{bare, 0, 0, 0, 1}}, {}, 0}), action_unpriced_debt);
    CHECK_EQ(found(Classic2023{}, {{{bare, 0, 0, 1, 0}, {coin, 1, 0, 0, 0}}, {}, 0}),
             action_unpriced_asset | action_unpriced_debt);
    const Account trader{{}, {{usdt, 1, coin, 1}}, 0};
    CHECK_EQ(found(ProGross{}, trader), action_unpriced_asset);
    CHECK_EQ(found(Classic2023{}, trader), 0);
    CHECK_EQ(found(ProGross{}, {{}, {{coin, 1, usdt, 1}}, 0}), action_unpriced_asset);
    CHECK_EQ(found(ProGross{}, {{}, {{bare, 1, usdt, 1}}, 0}), 0);
}
