#include <atomic>
#include <cmath>
#include <cstring>
#include <vector>

#include "check.hpp"
#include "pymargin/evaluate.hpp"
#include "results.hpp"

using namespace pymargin;
using namespace pymargin::test;

TEST(any_number_of_threads_gives_the_same_bits) {
    // Three parts need three times the accounts that a thread is worth.
    const World world(42, 3 * 4096 + 17);
    for_each_mode([&](auto mode) {
        using Mode = decltype(mode);
        const auto one = world.run<Mode>(1);
        CHECK(world.run<Mode>(2).has_bits_of(one));
        CHECK(world.run<Mode>(3).has_bits_of(one));
        CHECK(world.run<Mode>(0).has_bits_of(one));
        CHECK(std::count(one.actions.begin(), one.actions.end(), untouched) == 0);
    });
}

TEST(a_book_gives_what_its_rows_give) {
    const World world(43, 300);
    for_each_mode([&](auto mode) {
        using Mode = decltype(mode);
        auto results = world.run<Mode>(1);
        const MarketOf<Mode> market(world.scenario.rules, world.scenario.assets);
        const Decisions<Mode> decisions;
        for (std::size_t i = 0; i < world.accounts.size(); ++i) {
            const Book<> alone(world.accounts[i]);
            const auto row =
                evaluate_row<Mode>(alone.view(), market.market(), decisions.table(), 0);
            CHECK_EQ(results.actions[i], row.actions);
            CHECK_EQ(results.field(0)[i], row.levels[0]);
        }
    });
}

TEST(an_output_left_out_changes_no_other) {
    const World world(45, 200);
    const std::vector<std::uint16_t> gaps{0, action_unpriced_asset, 0, 0, 0, 0, 0, 0};
    for_each_mode([&](auto mode) {
        using Mode = decltype(mode);
        auto all = world.run<Mode>(1, gaps);
        for (int kept = 0; kept < Mode::n_levels + Mode::n_totals; ++kept) {
            Results<Mode> some(world.book.size());
            Outputs<Mode> outputs{};
            (kept < Mode::n_levels ? outputs.levels[kept] : outputs.totals[kept - Mode::n_levels]) =
                some.field(kept).data();
            world.run_into<Mode>(outputs, 1, gaps);
            CHECK(std::memcmp(some.field(kept).data(), all.field(kept).data(),
                              200 * sizeof(double)) == 0);
            CHECK_EQ(some.actions[0], untouched);
        }
        Results<Mode> only_actions(world.book.size());
        Outputs<Mode> outputs{};
        outputs.actions = only_actions.actions.data();
        world.run_into<Mode>(outputs, 1, gaps);
        CHECK(only_actions.actions == all.actions);
        world.run_into<Mode>(Outputs<Mode>{}, 1, gaps);
    });
}

TEST(an_unpriced_account_is_nan_and_its_neighbours_are_not) {
    World world(46, 400);
    const std::vector<std::uint16_t> gaps{0, 0, action_unpriced_asset, action_unpriced_debt, 0, 0,
                                          0, 0};
    constexpr unsigned unpriced = action_unpriced_asset | action_unpriced_debt;
    for_each_mode([&](auto mode) {
        using Mode = decltype(mode);
        const auto priced = world.run<Mode>(1);
        auto flagged = world.run<Mode>(1, gaps);
        int n_unpriced = 0;
        for (std::size_t i = 0; i < world.accounts.size(); ++i) {
            const auto account = static_cast<std::int64_t>(i);
            const std::uint16_t gap = gaps_of<Mode>(world.book.view(), gaps.data(), account);
            if (gap == 0) {
                CHECK_EQ(flagged.actions[i], priced.actions[i]);
                CHECK_EQ(flagged.actions[i] & unpriced, 0U);
                continue;
            }
            ++n_unpriced;
            CHECK_EQ(flagged.actions[i], gap);
            for (int field = 0; field < Mode::n_levels + Mode::n_totals; ++field) {
                CHECK(std::isnan(flagged.field(field)[i]));
            }
        }
        CHECK(n_unpriced > 20);
        CHECK(n_unpriced < 380);
    });
}

TEST(a_missing_price_of_another_account_does_no_harm) {
    World world(47, 200);
    world.scenario.assets[2].price = std::numeric_limits<double>::quiet_NaN();
    std::vector<std::uint16_t> gaps(Scenario::n_assets, 0);
    gaps[2] = action_unpriced_asset | action_unpriced_debt;
    for_each_mode([&](auto mode) {
        using Mode = decltype(mode);
        auto results = world.run<Mode>(1, gaps);
        for (std::size_t i = 0; i < world.accounts.size(); ++i) {
            const bool is_flagged = (results.actions[i] & gaps[2]) != 0;
            CHECK_EQ(std::isnan(results.field(0)[i]), is_flagged);
        }
    });
}

TEST(available_margin_is_shown_from_zero_up) {
    const World world(48, 300);
    auto results = world.run<ProGross>(1);
    int deficits = 0;
    for (std::size_t i = 0; i < 300; ++i) {
        CHECK(results.field(ProGross::available_margin)[i] >= 0);
        deficits += results.field(ProGross::available_margin)[i] == 0 ? 1 : 0;
    }
    CHECK(deficits > 0);
}

TEST(an_empty_book_is_evaluated) {
    const Book<> book;
    const Scenario scenario(1);
    const MarketOf<ProGross> market(scenario.rules, scenario.assets);
    const Decisions<ProGross> decisions;
    evaluate<ProGross>(book.view(), market.market(), decisions.table(), {}, 4);
}

TEST(parts_cover_every_account_once) {
    for (const int threads : {1, 2, 3, 7}) {
        for (const std::int64_t n : {0, 1, 4095, 4096, 8192, 12289, 40000}) {
            std::vector<int> seen(static_cast<std::size_t>(n), 0);
            std::atomic<int> parts{0};
            parallel_for(n, threads, [&](std::int64_t begin, std::int64_t end) {
                ++parts;
                for (std::int64_t i = begin; i < end; ++i) {
                    ++seen[static_cast<std::size_t>(i)];
                }
            });
            CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
            CHECK(parts >= 1);
            CHECK(parts <= threads);
        }
    }
    CHECK(thread_count(0) >= 1);
    CHECK_EQ(thread_count(3), 3);
}
