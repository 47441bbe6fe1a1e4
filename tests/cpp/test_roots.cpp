#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "check.hpp"
#include "pymargin/modes/futures.hpp"
#include "pymargin/subjects.hpp"
#include "scenario.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

bool is_same(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

void check_same(const Root& found, const Root& wanted) {
    CHECK(is_same(found.below, wanted.below));
    CHECK(is_same(found.above, wanted.above));
    CHECK_EQ(static_cast<int>(found.reason), static_cast<int>(wanted.reason));
}

/// A threshold that fires at or below a level.
struct OneLine {
    Threshold threshold;
    std::uint16_t actions[2] = {0, 1};

    explicit OneLine(Decimal at) : threshold{BigDecimal(at).rounded(), at} {
    }
    DecisionTable table(int level) const {
        DecisionTable due{};
        due.n_tests = 1;
        due.test_level[0] = level;
        due.n_classes = 1;
        due.greatest_theta = threshold.value;
        due.thresholds = &threshold;
        due.actions = actions;
        return due;
    }
};

/// How many of the searches by float64 gave up, of how many.
struct Tally {
    int searches = 0;
    int unsettled = 0;
};

/// Which prices move: that of one asset, all alike, or each by a weight of its own.
enum class Moves { one, all, each_by_its_own };

/// Random accounts: what Newton's method settles is what the exact walk finds.
template <class Mode>
void check_mode(Decimal at, Moves moves, Tally* tally) {
    const bool moves_all = moves != Moves::one;
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
        Scenario scenario(seed);
        const OneLine line(at);
        const DecisionTable due = line.table(0);
        const Account account =
            seed % 4 == 0 ? scenario.balanced<Mode>(scenario.account()) : scenario.account();
        const MarketOf<Mode> market(scenario.rules, scenario.assets);
        std::vector<double> weights(Scenario::n_assets, moves_all ? 1.0 : 0.0);
        const int moved = 1 + scenario.draw.below(Scenario::n_assets - 1);
        weights[0] = 0;
        weights[static_cast<std::size_t>(moved)] = 1;
        for (std::size_t k = 1; moves == Moves::each_by_its_own && k < weights.size(); ++k) {
            weights[k] = k % 2 == 0 ? 0.7 : 1.5;
        }
        Movement movement;
        movement.weights = weights.data();
        movement.base = moves_all ? 1 : scenario.assets[static_cast<std::size_t>(moved)].price;
        movement.tables = tables_asked<Mode>(due);
        const std::optional<Reach> reach =
            moves_all ? std::nullopt : std::optional<Reach>(Reach{0, 1});
        for (const bool is_exact : {true, false}) {
            const Question question(movement, reach, market.market(), Scenario::n_assets,
                                    Mode::n_held_tables, due, is_exact);
            const Book<std::uint32_t> book(account);
            const auto accounts = book.view();
            const AccountSubject<Mode, std::uint32_t> subject(accounts, market.market(), question,
                                                              0);
            if (!subject.is_exposed() || subject.is_free() || !subject.is_concave()) {
                continue;
            }
            ++tally->searches;
            Root found;
            if (!find_by_newton(subject, question, &found)) {
                ++tally->unsettled;
                continue;
            }
            Root wanted;
            CHECK(walk_exactly(subject, question, &wanted));
            check_same(found, wanted);
        }
    }
}

TEST(float64_and_the_exact_walk_agree) {
    for (const Moves moves : {Moves::one, Moves::all, Moves::each_by_its_own}) {
        Tally tally;
        check_mode<Classic2026June>({11, -1}, moves, &tally);
        check_mode<ProGross>({1, 0}, moves, &tally);
        // Prices of 0 and amounts that float64 cannot add up are for the walk.
        CHECK(2 * tally.unsettled < tally.searches);
    }
}

/// A book of single positions on a wallet of USDT, with two brackets: 1 % to 10,000, then 2 %.
class SinglePositions {
  public:
    SinglePositions() {
        const int whole = rules_.add({{{{0, 0}, {1, 0}}}, End::open});
        const int brackets = rules_.add({{{{10000, 0}, {1, -2}}, {{1, 0}, {2, -2}}}, End::open});
        table_ = rules_.table();
        rows_ = {{1, {rules_.entry(whole)}},
                 {1, {rules_.entry(whole)}},
                 {100, {rules_.entry(brackets)}}};
        market_ = {&table_, rows_.data(), nullptr, rules_.steepest(), terms_};
    }

    Root solve(double quantity, double entry, double wallet, bool is_exact, Effort* effort) {
        const std::int64_t offsets[] = {0, 1};
        const std::int64_t none[] = {0, 0};
        const std::uint32_t id = 0;
        const double leverage = 10;
        const std::int8_t side = 0;
        const double is_cross = nan;
        const Contract contract{0, 1, false};
        const double no_loss = 0;
        Holdings holdings{};
        holdings.n_accounts = 1;
        holdings.pooling = Pooling::by_asset;
        holdings.n_assets = 1;
        holdings.balances = {none, &id, nullptr, nullptr, nullptr, nullptr};
        holdings.wallets = {offsets, &id, &wallet};
        holdings.positions = {offsets, &id, &quantity, &entry, &leverage, &side, &is_cross};
        holdings.contracts = &contract;
        holdings.open_order_loss = &no_loss;
        const PoolBook<std::uint32_t> book(holdings);
        const auto pools = book.view();
        const double weights[] = {0, 0, 1};
        Movement movement;
        movement.weights = weights;
        movement.base = 100;
        const OneLine line(Decimal{1, 0});
        const Question question(movement, Reach{0, 1}, market_, 3, 1, line.table(0), is_exact);
        Root root;
        std::uint8_t reason = 0;
        std::uint16_t gaps = 0;
        const std::int64_t unsolvable = find_roots(
            1,
            [&](std::int64_t) {
                return PoolSubject<Futures, std::uint32_t>(pools, market_, question, 0, 1, 1);
            },
            question, {&root.below, &root.above, &reason, &gaps}, 1, effort);
        CHECK_EQ(unsolvable, std::int64_t{-1});
        root.reason = static_cast<RootReason>(reason);
        return root;
    }

  private:
    Rules rules_;
    ScheduleTable table_;
    std::vector<MarketRow<1>> rows_;
    InstrumentTerms terms_[3] = {{1, 1, 0}, {1, 1, 0}, {-1, 100, 0}};
    Market<1> market_{};
};

TEST(a_position_goes_where_its_wallet_and_profit_are_its_margin) {
    SinglePositions futures;
    Effort effort;
    // 10 + (x - 100) = 0.01 x: x = 90 / 0.99.
    Root root = futures.solve(1, 100, 10, true, &effort);
    const double at = 90 / 0.99;
    CHECK_EQ(static_cast<int>(root.reason), static_cast<int>(RootReason::ok));
    CHECK(std::isnan(root.above));
    CHECK(root.below == at || root.below == std::nextafter(at, 0));
    // Once over the account in float64, the rest in pairs, and no walk.
    CHECK_EQ(effort.passes, std::int64_t{1});
    CHECK_EQ(effort.walks, std::int64_t{0});
    CHECK_EQ(futures.solve(1, 100, 10, false, &effort).below, at);
    // 10 - (x - 100) = 0.01 x: x = 110 / 1.01.
    root = futures.solve(-1, 100, 10, false, &effort);
    CHECK(std::isnan(root.below));
    CHECK_EQ(root.above, 110 / 1.01);
    CHECK_EQ(effort.walks, std::int64_t{0});
}

TEST(the_bracket_is_the_one_at_the_root) {
    SinglePositions futures;
    Effort effort;
    // 200 at 100 is 20,000; at the root below 10,000 again: 15,000 + 200 (x - 100) = 2 x.
    CHECK_EQ(futures.solve(200, 100, 15000, false, &effort).below, 5000 / 198.0);
    // Above it stays beyond: 5,000 - 200 (x - 100) = 4 x - 100.
    CHECK_EQ(futures.solve(-200, 100, 5000, false, &effort).above, 25100 / 204.0);
    CHECK_EQ(effort.walks, std::int64_t{0});
    // At the edge itself, 50: 200 x = 10,000, and 10,100 + 200 (x - 100) = 100.
    for (const bool is_exact : {true, false}) {
        CHECK_EQ(futures.solve(200, 100, 10100, is_exact, &effort).below, 50.0);
    }
}

TEST(who_is_due_already_is_told_where_it_would_leave) {
    SinglePositions futures;
    Effort effort;
    // 0.5 + (100 - 100) is below 1 at 100: 0.5 + (x - 100) = 0.01 x.
    const Root root = futures.solve(1, 100, 0.5, false, &effort);
    CHECK_EQ(static_cast<int>(root.reason), static_cast<int>(RootReason::already));
    CHECK_EQ(root.above, 99.5 / 0.99);
    CHECK(std::isnan(root.below));
}

TEST(what_more_than_covers_its_position_never_goes) {
    SinglePositions futures;
    Effort effort;
    const Root root = futures.solve(1, 100, 100.5, true, &effort);
    CHECK_EQ(static_cast<int>(root.reason), static_cast<int>(RootReason::never));
    CHECK(std::isnan(root.below) && std::isnan(root.above));
}

TEST(the_one_float_at_which_a_decision_changes_is_found_from_afar) {
    Draw draw(8);
    for (int k = 0; k < 500; ++k) {
        const double root = draw.decimal(-3, 5);
        const double from = pymargin::detail::float_at(pymargin::detail::place_of(root) +
                                                       draw.below(2000000) - 1000000);
        const auto is_up = [&](double x) { return x >= root; };
        const auto is_down = [&](double x) { return x <= root; };
        CHECK_EQ(pymargin::detail::only_boundary_float(from, is_up, false), root);
        CHECK_EQ(pymargin::detail::only_boundary_float(from, is_down, true), root);
    }
    const auto never = [](double) { return false; };
    CHECK(std::isnan(pymargin::detail::only_boundary_float(1, never, true)));
    CHECK_EQ(pymargin::detail::float_at(pymargin::detail::place_of(0.0) - 1), -5e-324);
}

}  // namespace
