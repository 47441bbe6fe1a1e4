#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <vector>

#include "check.hpp"
#include "draw.hpp"
#include "pymargin/evaluate_pool_slots.hpp"
#include "pymargin/modes/all.hpp"
#include "rules.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

constexpr int n_accounts = static_cast<int>(pool_window) + 4'003;
constexpr std::uint32_t n_assets = 6;
constexpr std::uint32_t n_symbols = 30;
constexpr std::uint32_t n_rows = 2 * n_assets + n_symbols;

/// A drawn book of two windows, the last of them cut short: cross and isolated positions, accounts
/// in multi-assets mode, without anything, and with more legs than the sort looks at.
class DrawnBook {
  public:
    explicit DrawnBook(Pooling pooling) : pooling_(pooling) {
        for (std::uint32_t symbol = 0; symbol < n_symbols; ++symbol) {
            contracts_.push_back({symbol % 3, 1.0, false});
        }
        for (int account = 0; account < n_accounts; ++account) {
            const int n = draw_.one_in(2'000) ? 40 : draw_.below(5);
            for (int k = 0; k < n; ++k) {
                draw_position();
            }
            position_offsets_.push_back(static_cast<std::int64_t>(symbol_.size()));
            const int first = draw_.below(static_cast<int>(n_assets));
            for (int k = draw_.below(4); k > 0; --k) {
                wallet_asset_.push_back(static_cast<std::uint32_t>(first + k) % n_assets);
                wallet_.push_back(draw_.below(2'000) - 200);
            }
            wallet_offsets_.push_back(static_cast<std::int64_t>(wallet_.size()));
            if (pooling == Pooling::in_one) {
                draw_balances();
            }
            balance_offsets_.push_back(static_cast<std::int64_t>(free_.size()));
            multi_assets_.push_back(pooling == Pooling::by_asset && draw_.one_in(8) ? 1 : 0);
            losses_.push_back(pooling == Pooling::in_one && draw_.one_in(9) ? draw_.below(90) : 0);
        }
        none_.resize(free_.size() + 1);
    }

    Holdings view() const {
        Holdings book{};
        book.n_accounts = n_accounts;
        book.pooling = pooling_;
        book.n_assets = n_assets;
        book.balances = {balance_offsets_.data(), balance_asset_.data(), free_.data(), none_.data(),
                         borrowed_.data(),        none_.data()};
        book.loan_leverage = loan_leverage_.data();
        book.wallets = {wallet_offsets_.data(), wallet_asset_.data(), wallet_.data()};
        book.positions = {position_offsets_.data(), symbol_.data(), quantity_.data(), entry_.data(),
                          leverage_.data(),         nullptr,        isolated_.data()};
        book.multi_assets = multi_assets_.data();
        book.contracts = contracts_.data();
        book.loan_rates = &loan_rate_;
        book.n_loan_rates = 1;
        book.open_order_loss = losses_.data();
        return book;
    }

  private:
    void draw_position() {
        symbol_.push_back(static_cast<std::uint32_t>(draw_.below(static_cast<int>(n_symbols))));
        const double size = draw_.one_in(6) ? 400 : 1;
        quantity_.push_back((draw_.one_in(2) ? size : -size) * (1 + draw_.below(500)) / 8);
        entry_.push_back(1 + draw_.below(40) / 8.0);
        leverage_.push_back(1 + draw_.below(20));
        const bool is_isolated = pooling_ == Pooling::by_asset && draw_.one_in(5);
        isolated_.push_back(is_isolated ? draw_.below(900)
                                        : std::numeric_limits<double>::quiet_NaN());
    }

    void draw_balances() {
        const int first = draw_.below(static_cast<int>(n_assets));
        for (int k = draw_.below(4); k > 0; --k) {
            balance_asset_.push_back(static_cast<std::uint32_t>(first + k) % n_assets);
            free_.push_back(draw_.below(3'000));
            borrowed_.push_back(draw_.one_in(3) ? draw_.below(900) : 0);
            loan_leverage_.push_back(5);
        }
    }

    Draw draw_{83};
    Pooling pooling_;
    std::vector<Contract> contracts_;
    LoanRate loan_rate_{5, {8, -2}};
    std::vector<std::int64_t> wallet_offsets_{0}, position_offsets_{0}, balance_offsets_{0};
    std::vector<std::uint32_t> wallet_asset_, symbol_, balance_asset_;
    std::vector<double> wallet_, quantity_, entry_, leverage_, isolated_, free_, borrowed_;
    std::vector<double> losses_, none_;
    std::vector<std::uint8_t> loan_leverage_, multi_assets_;
};

/// Two of the symbols' schedules: few brackets, the last of them closed, and more than a pass
/// holds.
struct DrawnMarket {
    explicit DrawnMarket(bool is_portfolio, double factor = 1) {
        const int collateral =
            rules.add({{{{4, 3}, {1, 0}}, {{2, 4}, {7, -1}}, {{0, 0}, {4, -1}}}, End::open});
        const int full = rules.add({{{{0, 0}, {1, 0}}}, End::open});
        const int few = rules.add(
            {{{{5, 2}, {1, -2}}, {{4, 3}, {25, -3}}, {{5, 4}, {1, -1}}}, End::excess_goes_on});
        std::vector<Tier> tiers;
        for (int k = 1; k <= 11; ++k) {
            tiers.push_back({{300 * k * k, 0}, {5 * k, -3}});
        }
        const int many = rules.add({tiers, End::excess_goes_on});
        table = std::make_unique<ScheduleTable>(rules.table());
        for (std::uint32_t row = 0; row < n_rows; ++row) {
            const bool is_asset = row < 2 * n_assets;
            const bool counts = !is_asset || is_portfolio || row >= n_assets;
            const double price = counts ? factor * (1 + row % 7 / 4.0) : 1;
            const int schedule =
                is_asset ? (is_portfolio ? collateral : full) : (row % 2 == 0 ? few : many);
            rows.push_back({price, {rules.entry(schedule)}});
            terms.push_back({is_asset ? price : -1.0, price, 0.0});
        }
    }

    Market<1> view() const {
        return {table.get(), rows.data(), gaps.empty() ? nullptr : gaps.data(), 1.0, terms.data()};
    }

    pymargin::test::Rules rules;
    std::unique_ptr<ScheduleTable> table;
    std::vector<MarketRow<1>> rows;
    std::vector<InstrumentTerms> terms;
    std::vector<std::uint16_t> gaps;
};

/// All that accounts come to, bit by bit.
struct Figures {
    template <class Mode>
    Outputs<Mode> outputs(std::size_t n) {
        Outputs<Mode> found{};
        arrays.assign(Mode::n_levels + Mode::n_totals, std::vector<double>(n));
        actions.assign(n, 0);
        for (std::size_t k = 0; k < Mode::n_levels; ++k) {
            found.levels[k] = arrays[k].data();
        }
        for (std::size_t k = 0; k < Mode::n_totals; ++k) {
            found.totals[k] = arrays[Mode::n_levels + k].data();
        }
        found.actions = actions.data();
        return found;
    }

    void check_same(const Figures& other) const {
        CHECK(actions == other.actions);
        CHECK_EQ(arrays.size(), other.arrays.size());
        for (std::size_t k = 0; k < arrays.size(); ++k) {
            CHECK_EQ(arrays[k].size(), other.arrays[k].size());
            CHECK(std::memcmp(arrays[k].data(), other.arrays[k].data(),
                              arrays[k].size() * sizeof(double)) == 0);
        }
    }

    std::vector<std::vector<double>> arrays;
    std::vector<double> ratio;
    std::vector<std::uint16_t> actions;
};

const Threshold lines[] = {{1.0, {1, 0}}, {1.05, {105, -2}}, {1.2, {12, -1}}, {1.5, {15, -1}}};
const Threshold line_and_grant[] = {{1.0, {1, 0}}, {0.0, {0, 0}}, {1.0, {1, 0}}, {0.0, {0, 0}}};

/// The usual tests: lines, or one line that liquidates and a grant.
template <class Mode>
struct Tests {
    Tests() {
        for (unsigned bits = 0; bits < 16; ++bits) {
            const unsigned code = (bits & 1U) != 0 ? 1U : 128U | (~bits >> 1 & 1U);
            actions[bits] = static_cast<std::uint16_t>(Mode::is_one_pool ? bits : code);
        }
        table.n_tests = 4;
        std::memcpy(table.test_level, Mode::usual_tests, sizeof Mode::usual_tests);
        table.n_classes = 1;
        table.greatest_theta = 1.5;
        table.thresholds = Mode::is_one_pool ? lines : line_and_grant;
        table.actions = actions;
    }

    std::uint16_t actions[16];
    DecisionTable table{};
};

struct Units {
    Units() {
        for (std::uint32_t asset = 0; asset <= n_assets; ++asset) {
            units.push_back(asset == n_assets ? 1 : 1 + asset / 4.0);
        }
        for (unsigned mask = 0; mask < 128; ++mask) {
            of_grants.push_back(static_cast<std::uint16_t>((mask & 1U) != 0 ? 5 : 1));
        }
    }
    Joining joining() const {
        return {units.data(), n_assets + 1, {of_line, 1, of_grants.data()}};
    }

    std::vector<double> units;
    std::uint16_t of_line[2] = {0, action_liquidate};
    std::vector<std::uint16_t> of_grants;
};

Figures by_rows(const PoolBook<std::uint16_t>& book, const Market<1>& market) {
    using Mode = Futures;
    const Tests<Mode> tests;
    const Units units;
    const auto pools = book.view();
    const auto& keys = book.keys();
    Figures of_pools;
    const auto outputs = of_pools.outputs<Mode>(keys.size());
    evaluate<Mode>(pools, market, tests.table, outputs, 1);
    std::vector<std::uint8_t> is_isolated;
    for (const PoolKey& key : keys) {
        is_isolated.push_back(key.isolated >= 0 ? 1 : 0);
    }
    Figures found;
    const auto accounts = found.outputs<Mode>(n_accounts);
    found.ratio.resize(n_accounts);
    std::vector<const double*> from;
    std::vector<double*> to;
    for (int k = 1; k < Mode::n_levels; ++k) {
        from.push_back(outputs.levels[k]);
        to.push_back(accounts.levels[k]);
    }
    for (int k = 0; k < Mode::n_totals; ++k) {
        from.push_back(outputs.totals[k]);
        to.push_back(accounts.totals[k]);
    }
    const Joining joining = units.joining();
    const PoolFigures figures{
        pools.first_pool, keys.data(),       is_isolated.data(), joining.unit,
        joining.n_units,  outputs.levels[0], from.data(),        static_cast<int>(from.size()),
        outputs.actions};
    combine_pools(n_accounts, figures, joining.codes,
                  {accounts.levels[0], found.ratio.data(), to.data(), accounts.actions}, 1);
    return found;
}

Figures by_slots(const PoolBook<std::uint16_t>& book, const PoolSlotBook& slots,
                 const Market<1>& market, int threads, Implementation chosen) {
    const Tests<Futures> tests;
    const Units units;
    Figures found;
    const auto outputs = found.outputs<Futures>(n_accounts);
    found.ratio.resize(n_accounts);
    evaluate_joined_slots<Futures>(slots.view(), book.view(), market, n_rows, tests.table,
                                   units.joining(), outputs, found.ratio.data(), threads, chosen);
    return found;
}

Figures portfolio_by_rows(const PoolBook<std::uint16_t>& book, const Market<1>& market) {
    const Tests<Portfolio> tests;
    Figures found;
    evaluate<Portfolio>(book.view(), market, tests.table, found.outputs<Portfolio>(n_accounts), 1);
    return found;
}

Figures portfolio_by_slots(const PoolBook<std::uint16_t>& book, const PoolSlotBook& slots,
                           const Market<1>& market, int threads, Implementation chosen) {
    const Tests<Portfolio> tests;
    Figures found;
    evaluate_pool_slots<Portfolio>(slots.view(), book.view(), market, n_rows, tests.table, nullptr,
                                   found.outputs<Portfolio>(n_accounts), threads, chosen);
    return found;
}

std::vector<Implementation> implementations() {
    std::vector<Implementation> found{Implementation::generic};
    if (implementation() != Implementation::generic) {
        found.push_back(implementation());
    }
    return found;
}

}  // namespace

TEST(every_account_has_one_slot_in_its_window) {
    const DrawnBook drawn(Pooling::by_asset);
    const DrawnMarket market(false);
    const Market<1> view = market.view();
    const PoolBook<std::uint16_t> book(drawn.view());
    const PoolSlotBook slots(book.view(), &view, 2);
    std::vector<int> times(n_accounts);
    for (std::int64_t slot = 0; slot < n_accounts; ++slot) {
        const std::int64_t account = slots.view().account_of(slot);
        CHECK_EQ(account / pool_window, slot / pool_window);
        ++times[static_cast<std::size_t>(account)];
    }
    CHECK(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
}

TEST(legs_keep_their_order_and_padding_is_nothing) {
    const DrawnBook drawn(Pooling::by_asset);
    const PoolBook<std::uint16_t> book(drawn.view());
    const PoolSlotBook laid_out(book.view(), nullptr, 1);
    const PoolSlots slots = laid_out.view();
    const auto pools = book.view();
    for (std::int64_t slot = 0; slot < (n_accounts + lanes - 1) / lanes * lanes; ++slot) {
        const int lane = static_cast<int>(slot % lanes);
        const std::int64_t slice = slot / lanes;
        std::int64_t leg = 0;
        std::int64_t end = 0;
        if (slot < n_accounts) {
            const std::int64_t account = slots.account_of(slot);
            leg = pools.offsets[pools.first_pool[account]];
            end = pools.offsets[pools.first_pool[account + 1]];
        }
        CHECK(slots.slice_begin[slice + 1] - slots.slice_begin[slice] <= slots.longest);
        CHECK(slots.slice_begin[slice + 1] - slots.slice_begin[slice] >= end - leg);
        std::int64_t terms = slots.terms_begin[slice];
        for (auto at = slots.slice_begin[slice]; at < slots.slice_begin[slice + 1]; ++at, ++leg) {
            const bool has_terms = (slots.kinds[at] & LegRow::has_terms) != 0;
            const bool is_leg = leg < end;
            const bool is_position = !is_leg || pools.row[leg] >= 2 * n_assets;
            CHECK_EQ((slots.kinds[at] >> lane & 1U) != 0, is_position);
            CHECK_EQ((slots.kinds[at] >> (4 + lane) & 1U) != 0, !is_position);
            CHECK_EQ(slots.x[at * lanes + lane], is_leg ? pools.x[leg] : 0);
            CHECK_EQ(slots.row[at * lanes + lane],
                     is_leg ? pools.row[leg] * PoolSlots::row_size : 0U);
            const double y = has_terms ? slots.y[terms * lanes + lane] : 0;
            const double z = has_terms ? slots.z[terms * lanes + lane] : 0;
            CHECK_EQ(y, is_leg ? pools.y[leg] : 0);
            CHECK_EQ(z, is_leg ? pools.z[leg] : 0);
            terms += has_terms ? 1 : 0;
        }
        CHECK_EQ(terms, slots.terms_begin[slice + 1]);
    }
}

TEST(a_market_sorts_large_positions_together) {
    const DrawnBook drawn(Pooling::by_asset);
    const DrawnMarket market(false);
    const Market<1> view = market.view();
    const PoolBook<std::uint16_t> book(drawn.view());
    const PoolSlotBook sorted(book.view(), &view, 1);
    const PoolSlotBook unsorted(book.view(), nullptr, 1);
    const auto count = [](const PoolSlots& slots, std::uint32_t bit) {
        const std::int64_t n = slots.slice_begin[(n_accounts + lanes - 1) / lanes];
        return std::count_if(slots.kinds, slots.kinds + n,
                             [=](std::uint32_t kind) { return (kind & bit) != 0; });
    };
    CHECK(count(sorted.view(), LegRow::has_large) > 0);
    CHECK_EQ(count(unsorted.view(), LegRow::has_large), 0);
    CHECK(count(sorted.view(), LegRow::are_single) > 0);
}

TEST(figures_are_those_of_pools_one_by_one_whatever_the_layout) {
    const DrawnBook drawn(Pooling::by_asset);
    const PoolBook<std::uint16_t> book(drawn.view());
    const DrawnMarket market(false);
    const DrawnMarket other(false, 40);
    const Market<1> view = market.view();
    const Market<1> other_view = other.view();
    const PoolSlotBook of_market(book.view(), &view, 1);
    const PoolSlotBook of_other(book.view(), &other_view, 2);
    const PoolSlotBook of_none(book.view(), nullptr, 1);
    const Figures expected = by_rows(book, view);
    for (const Implementation chosen : implementations()) {
        for (const PoolSlotBook* slots : {&of_market, &of_other, &of_none}) {
            for (const int threads : {1, 3}) {
                const Figures found = by_slots(book, *slots, view, threads, chosen);
                found.check_same(expected);
                CHECK(found.ratio == expected.ratio);
            }
        }
    }
    CHECK(std::count(expected.actions.begin(), expected.actions.end(), action_liquidate) > 0);
    CHECK(std::count(expected.actions.begin(), expected.actions.end(), 5) > 0);
}

TEST(accounts_with_gaps_are_not_valued) {
    const DrawnBook drawn(Pooling::by_asset);
    const PoolBook<std::uint16_t> book(drawn.view());
    DrawnMarket market(false);
    market.gaps.assign(n_rows, 0);
    market.gaps[2 * n_assets + 3] = action_unpriced_asset | action_unpriced_debt;
    market.rows[2 * n_assets + 3].price = std::numeric_limits<double>::quiet_NaN();
    const Market<1> view = market.view();
    const PoolSlotBook slots(book.view(), &view, 1);
    const Figures expected = by_rows(book, view);
    for (const Implementation chosen : implementations()) {
        by_slots(book, slots, view, 2, chosen).check_same(expected);
    }
    CHECK(std::any_of(expected.actions.begin(), expected.actions.end(),
                      [](std::uint16_t one) { return (one & action_unpriced_asset) != 0; }));
}

TEST(portfolio_accounts_are_those_of_rows_whatever_the_layout) {
    const DrawnBook drawn(Pooling::in_one);
    const PoolBook<std::uint16_t> book(drawn.view());
    const DrawnMarket market(true);
    const DrawnMarket other(true, 40);
    const Market<1> view = market.view();
    const Market<1> other_view = other.view();
    const PoolSlotBook of_market(book.view(), &view, 1);
    const PoolSlotBook of_other(book.view(), &other_view, 2);
    const Figures expected = portfolio_by_rows(book, view);
    for (const Implementation chosen : implementations()) {
        for (const PoolSlotBook* slots : {&of_market, &of_other}) {
            for (const int threads : {1, 3}) {
                portfolio_by_slots(book, *slots, view, threads, chosen).check_same(expected);
            }
        }
    }
    CHECK(std::count(expected.actions.begin(), expected.actions.end(), 15) > 0);
    CHECK(std::count(expected.actions.begin(), expected.actions.end(), 0) > 0);
}
