#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "check.hpp"
#include "pymargin/evaluate_slots.hpp"
#include "results.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

/// The implementations that this processor can run.
std::vector<Implementation> implementations() {
    std::vector<Implementation> found{Implementation::generic};
    if (implementation() != Implementation::generic) {
        found.push_back(implementation());
    }
    return found;
}

/// A slot pass with results in user order.
template <class Mode>
Results<Mode> run_slots(const World& world, Implementation implementation, int threads,
                        const std::vector<std::uint16_t>& gaps = {}) {
    const SlotBook<std::uint16_t> slots(world.book.view(), threads);
    const MarketOf<Mode> market(world.scenario.rules, world.scenario.assets, gaps);
    const Decisions<Mode> decisions;
    Results<Mode> results(world.book.size());
    evaluate_slots<Mode>(slots.view(), world.book.view(), market.market(), Scenario::n_assets,
                         decisions.table(), nullptr, results.outputs(), ResultOrder::user, threads,
                         implementation);
    return results;
}

}  // namespace

TEST(slots_give_the_bits_of_rows) {
    for (const int n : {1, 3, 4, 5, 403}) {
        const World world(50 + static_cast<std::uint64_t>(n), n);
        for_each_mode([&](auto mode) {
            using Mode = decltype(mode);
            const auto rows = world.run<Mode>(1);
            for (const Implementation implementation : implementations()) {
                CHECK(run_slots<Mode>(world, implementation, 1).has_bits_of(rows));
            }
        });
    }
}

TEST(slots_give_the_same_bits_for_any_number_of_threads) {
    const World world(51, 3 * 4096 + 17);
    const auto rows = world.run<ProGross>(1);
    for (const Implementation implementation : implementations()) {
        for (const int threads : {2, 3}) {
            CHECK(run_slots<ProGross>(world, implementation, threads).has_bits_of(rows));
        }
    }
}

TEST(slot_order_names_its_accounts) {
    const World world(52, 4096 + 30);
    const SlotBook<std::uint16_t> book(world.book.view(), 1);
    const Slots<std::uint16_t> slots = book.view();
    const MarketOf<ProNet> market(world.scenario.rules, world.scenario.assets);
    const Decisions<ProNet> decisions;
    auto rows = world.run<ProNet>(1);
    for (const Implementation implementation : implementations()) {
        Results<ProNet> results(world.book.size());
        evaluate_slots<ProNet>(slots, world.book.view(), market.market(), Scenario::n_assets,
                               decisions.table(), nullptr, results.outputs(), ResultOrder::slot, 1,
                               implementation);
        std::vector<int> seen(static_cast<std::size_t>(slots.n_accounts), 0);
        for (std::int64_t slot = 0; slot < slots.n_accounts; ++slot) {
            const auto account = static_cast<std::size_t>(slots.account_of(slot));
            ++seen[account];
            CHECK_EQ(results.actions[static_cast<std::size_t>(slot)], rows.actions[account]);
            CHECK_EQ(results.field(1)[static_cast<std::size_t>(slot)], rows.field(1)[account]);
        }
        CHECK(std::all_of(seen.begin(), seen.end(), [](int count) { return count == 1; }));
    }
}

TEST(classes_follow_their_accounts_into_slots) {
    const World world(53, 203);
    const SlotBook<std::uint16_t> book(world.book.view(), 1);
    const Slots<std::uint16_t> slots = book.view();
    const MarketOf<Classic2023> market(world.scenario.rules, world.scenario.assets);
    const Decisions<Classic2023> decisions;
    DecisionTable table = decisions.table();
    std::vector<Threshold> thresholds(table.thresholds, table.thresholds + table.n_tests);
    for (int test = 0; test < table.n_tests; ++test) {
        thresholds.push_back({0.25, {25, -2}});
    }
    std::vector<std::uint32_t> class_of;
    std::vector<std::uint32_t> slot_class_of;
    for (std::uint32_t account = 0; account < 203; ++account) {
        class_of.push_back(account % 3 == 0 ? 1 : 0);
    }
    for (std::int64_t slot = 0; slot < 203; ++slot) {
        slot_class_of.push_back(class_of[static_cast<std::size_t>(slots.account_of(slot))]);
    }
    table.n_classes = 2;
    table.thresholds = thresholds.data();
    table.class_of = class_of.data();
    Results<Classic2023> rows(203);
    evaluate<Classic2023>(world.book.view(), market.market(), table, rows.outputs(), 1);
    CHECK(!rows.has_bits_of(world.run<Classic2023>(1)));
    for (const Implementation implementation : implementations()) {
        Results<Classic2023> results(203);
        evaluate_slots<Classic2023>(slots, world.book.view(), market.market(), Scenario::n_assets,
                                    table, slot_class_of.data(), results.outputs(),
                                    ResultOrder::user, 1, implementation);
        CHECK(results.has_bits_of(rows));
    }
}

TEST(an_output_left_out_of_a_slot_pass_changes_no_other) {
    const World world(54, 101);
    const SlotBook<std::uint16_t> book(world.book.view(), 1);
    const MarketOf<ProGross> market(world.scenario.rules, world.scenario.assets);
    const Decisions<ProGross> decisions;
    auto rows = world.run<ProGross>(1);
    for (const Implementation implementation : implementations()) {
        for (int kept = 0; kept < ProGross::n_levels; ++kept) {
            Results<ProGross> some(101);
            Outputs<ProGross> outputs{};
            outputs.levels[kept] = some.field(kept).data();
            evaluate_slots<ProGross>(book.view(), world.book.view(), market.market(),
                                     Scenario::n_assets, decisions.table(), nullptr, outputs,
                                     ResultOrder::user, 1, implementation);
            CHECK(some.field(kept) == rows.field(kept));
        }
    }
}

TEST(gaps_in_a_slot_pass_are_those_of_rows) {
    // A price that is lacking, and schedules that are.
    World world(55, 402);
    world.scenario.assets[2].price = std::numeric_limits<double>::quiet_NaN();
    world.scenario.assets[3].collateral = -1;
    world.scenario.assets[3].borrow = -1;
    world.scenario.assets[3].transfer_out = -1;
    std::vector<std::uint16_t> gaps(Scenario::n_assets, 0);
    gaps[2] = action_unpriced_asset | action_unpriced_debt;
    gaps[3] = action_unpriced_asset;
    for_each_mode([&](auto mode) {
        using Mode = decltype(mode);
        const auto rows = world.run<Mode>(1, gaps);
        for (const Implementation implementation : implementations()) {
            CHECK(run_slots<Mode>(world, implementation, 1, gaps).has_bits_of(rows));
        }
    });
}
