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

/// Accounts in classes of their own thresholds, one after the other in turn.
template <class Mode>
class Classes {
  public:
    Classes(const Slots<std::uint16_t>& slots, std::uint32_t n_classes)
        : table_(decisions_.table()),
          thresholds_(table_.thresholds, table_.thresholds + table_.n_tests) {
        for (std::uint32_t one = 1; one < n_classes; ++one) {
            for (int test = 0; test < table_.n_tests; ++test) {
                thresholds_.push_back({0.25 + one, {25 + 100 * std::int64_t{one}, -2}});
            }
        }
        for (std::int64_t k = 0; k < slots.n_accounts; ++k) {
            class_of_.push_back(static_cast<std::uint32_t>(k) % n_classes);
            slot_class_of_.push_back(static_cast<std::uint32_t>(slots.account_of(k)) % n_classes);
        }
        table_.n_classes = n_classes;
        table_.thresholds = thresholds_.data();
        table_.class_of = n_classes == 1 ? nullptr : class_of_.data();
    }

    const DecisionTable& table() const {
        return table_;
    }
    const std::uint32_t* slot_class_of() const {
        return table_.class_of == nullptr ? nullptr : slot_class_of_.data();
    }

  private:
    Decisions<Mode> decisions_;
    DecisionTable table_;
    std::vector<Threshold> thresholds_;
    std::vector<std::uint32_t> class_of_;
    std::vector<std::uint32_t> slot_class_of_;
};

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
    const Classes<Classic2023> classes(slots, 3);
    Results<Classic2023> rows(203);
    evaluate<Classic2023>(world.book.view(), market.market(), classes.table(), rows.outputs(), 1);
    CHECK(!rows.has_bits_of(world.run<Classic2023>(1)));
    for (const Implementation implementation : implementations()) {
        Results<Classic2023> results(203);
        evaluate_slots<Classic2023>(slots, world.book.view(), market.market(), Scenario::n_assets,
                                    classes.table(), classes.slot_class_of(), results.outputs(),
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

TEST(actions_and_the_first_two_levels_alone_are_those_among_all) {
    const World world(56, 4096 + 30);
    const SlotBook<std::uint16_t> book(world.book.view(), 1);
    const Slots<std::uint16_t> slots = book.view();
    for_each_mode([&](auto mode) {
        using Mode = decltype(mode);
        const MarketOf<Mode> market(world.scenario.rules, world.scenario.assets);
        // One class, as many as fit a vector, more than fit one.
        for (const std::uint32_t n_classes : {1U, 4U, 5U}) {
            const Classes<Mode> classes(slots, n_classes);
            Results<Mode> all(world.book.size());
            evaluate<Mode>(world.book.view(), market.market(), classes.table(), all.outputs(), 1);
            for (const bool in_slot_order : {false, true}) {
                Results<Mode> found(world.book.size());
                Outputs<Mode> outputs{};
                outputs.actions = found.actions.data();
                outputs.levels[0] = found.field(0).data();
                outputs.levels[1] = found.field(1).data();
                evaluate_slots<Mode>(slots, world.book.view(), market.market(), Scenario::n_assets,
                                     classes.table(), classes.slot_class_of(), outputs,
                                     in_slot_order ? ResultOrder::slot : ResultOrder::user, 1,
                                     implementation());
                for (std::int64_t slot = 0; slot < slots.n_accounts; ++slot) {
                    const auto account = static_cast<std::size_t>(slots.account_of(slot));
                    const auto at = in_slot_order ? static_cast<std::size_t>(slot) : account;
                    CHECK_EQ(found.actions[at], all.actions[account]);
                    CHECK_EQ(found.field(0)[at], all.field(0)[account]);
                    CHECK_EQ(found.field(1)[at], all.field(1)[account]);
                }
            }
        }
    });
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
