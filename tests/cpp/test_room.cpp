#include <cmath>
#include <limits>

#include "check.hpp"
#include "pymargin/modes/cross_classic.hpp"
#include "pymargin/modes/cross_pro.hpp"
#include "pymargin/room.hpp"
#include "scenario.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

using Classic = CrossClassic<ClassicMethodology::since_2023>;
using Pro = CrossPro<Reading::gross, OrderLoss::marginal>;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int usdt = 0;
constexpr int coin = 1;

/// A world of two assets at 1 and 2 USDT, and one test that refuses at or below a threshold.
template <class Mode>
class World {
  public:
    World(int level, Decimal at)
        : threshold_{static_cast<double>(at.coefficient) * std::pow(10.0, at.exponent), at} {
        const int whole = rules_.add({{{{1, 0}, {1, 0}}}, End::open});
        const int falling =
            rules_.add({{{{100, 0}, {1, 0}}, {{200, 0}, {5, -1}}}, End::excess_is_zero});
        const int rising = rules_.add({{{{50, 0}, {1, -1}}, {{1, 0}, {2, -1}}}, End::open});
        assets_ = {{1, whole, whole, whole, rising, rising},
                   {2, falling, falling, falling, rising, rising}};
        table_.n_tests = 1;
        table_.test_level[0] = level;
        table_.n_classes = 1;
        table_.greatest_theta = threshold_.value;
        table_.thresholds = &threshold_;
        table_.actions = actions_;
    }

    double room(const Account& account, int asset, double held, double owed, double most) const {
        const MarketOf<Mode> market(rules_, assets_);
        Movement movement;
        movement.row = asset;
        movement.held = held;
        movement.owed = owed;
        const Question question(movement, Reach{}, market.market(), 2, Mode::n_held_tables, table_,
                                true);
        const Book<std::uint32_t> book(account);
        const auto accounts = book.view();
        double found = 0;
        find_rooms(
            1,
            [&](std::int64_t k) {
                return AccountSubject<Mode, std::uint32_t>(accounts, market.market(), question, k);
            },
            question, &most, &found, 1);
        return found;
    }

  private:
    Rules rules_;
    std::vector<Asset> assets_;
    Threshold threshold_;
    std::uint16_t actions_[2] = {0, 1};
    DecisionTable table_{};
};

TEST(a_loan_is_as_large_as_leaves_the_available_margin_above_0) {
    const World<Pro> world(Pro::available_margin, {0, 0});
    // 20 USDT of equity: 0.1 of the first 50 borrowed, 0.2 of the rest. 5 + 0.2 (x - 50) = 20.
    const double room = world.room({{{usdt, 20, 0, 0, 0}}, {}, 0}, usdt, 1, 1, infinity);
    CHECK_EQ(room, std::nextafter(125, 0));
    // At exactly 125 nothing would be left: that is no available margin.
    CHECK_EQ(world.room({{{usdt, 20, 0, 0, 0}}, {}, 0}, usdt, 1, 1, 100), 100.0);
    CHECK_EQ(world.room({{{usdt, 20, 0, 0, 0}}, {}, 0}, usdt, 1, 1, 0), 0.0);
}

TEST(what_is_refused_already_has_no_room) {
    const World<Pro> world(Pro::available_margin, {0, 0});
    CHECK_EQ(world.room({{{usdt, 5, 0, 20, 0}}, {}, 0}, usdt, 1, 1, infinity), 0.0);
    CHECK_EQ(world.room({{}, {}, 0}, usdt, 1, 1, infinity), 0.0);
}

TEST(collateral_beyond_its_caps_costs_nothing_to_take_out) {
    const World<Classic> world(Classic::collateral_margin_level, {2, 0});
    // Of 150 coins at 2 USDT 150 USDT count; 80 are owed: 160 would have to be left.
    const Account poor{{{coin, 150, 0, 0, 0}, {usdt, 0, 0, 80, 0}}, {}, 0};
    CHECK_EQ(world.room(poor, coin, -1, 0, 150), 0.0);
    // 60 owed: 120 of value must be more than left: 100 whole and 20 of half, that is 140 USDT.
    const Account rich{{{coin, 150, 0, 0, 0}, {usdt, 0, 0, 60, 0}}, {}, 0};
    CHECK_EQ(world.room(rich, coin, -1, 0, 150), std::nextafter(80, 0));
    const Account free{{{coin, 150, 0, 0, 0}}, {}, 0};
    CHECK_EQ(world.room(free, coin, -1, 0, 150), 150.0);
}

TEST(nothing_ends_a_loan_that_earns_its_margin) {
    // At a threshold of 0.5 each USDT borrowed and held raises the margin left.
    const World<Classic> world(Classic::collateral_margin_level, {5, -1});
    CHECK_EQ(world.room({{{usdt, 20, 0, 10, 0}}, {}, 0}, usdt, 1, 1, infinity), infinity);
}

TEST(float64_and_the_exact_walk_agree_everywhere) {
    for (std::uint64_t seed = 0; seed < 300; ++seed) {
        Scenario scenario(seed);
        const Account account = scenario.account();
        const MarketOf<Pro> market(scenario.rules, scenario.assets);
        const Decisions<Pro> lines;
        DecisionTable table = lines.table();
        std::vector<std::uint16_t> refused;
        for (unsigned bits = 0; bits < 16; ++bits) {
            refused.push_back((Decisions<Pro>::actions_of(bits) & action_borrow) == 0 ? 1 : 0);
        }
        table.actions = refused.data();
        Movement movement;
        movement.row = scenario.draw.below(Scenario::n_assets);
        movement.held = 1;
        movement.owed = 1;
        const Question question(movement, Reach{}, market.market(), Scenario::n_assets,
                                Pro::n_held_tables, table, true);
        const Book<std::uint32_t> book(account);
        const auto accounts = book.view();
        const AccountSubject<Pro, std::uint32_t> subject(accounts, market.market(), question, 0);
        if (!subject.is_due_at(0)) {
            const double found = room_of(subject, question, infinity);
            CHECK_EQ(found, pymargin::detail::room_by_walk(subject, infinity));
        }
    }
}

}  // namespace
