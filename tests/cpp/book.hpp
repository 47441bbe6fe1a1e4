#pragma once

#include <cstdint>
#include <vector>

#include "pymargin/accounts.hpp"
#include "pymargin/decide.hpp"
#include "pymargin/market.hpp"
#include "pymargin/modes/cross_classic.hpp"
#include "pymargin/modes/cross_pro.hpp"
#include "rules.hpp"

namespace pymargin::test {

using Classic2023 = CrossClassic<ClassicMethodology::since_2023>;
using Classic2026January = CrossClassic<ClassicMethodology::since_2026_01>;
using Classic2026June = CrossClassic<ClassicMethodology::since_2026_06>;
using ProGross = CrossPro<Reading::gross, OrderLoss::marginal>;
using ProGrossStandalone = CrossPro<Reading::gross, OrderLoss::standalone>;
using ProNet = CrossPro<Reading::net, OrderLoss::marginal>;
using ProNetStandalone = CrossPro<Reading::net, OrderLoss::standalone>;

/// Calls visit(Mode{}) for the three methodologies of Classic and the four readings of Pro.
template <class Visit>
void for_each_mode(const Visit& visit) {
    visit(Classic2023{});
    visit(Classic2026January{});
    visit(Classic2026June{});
    visit(ProGross{});
    visit(ProGrossStandalone{});
    visit(ProNet{});
    visit(ProNetStandalone{});
}

struct Entry {
    int asset;
    double free;
    double locked;
    double borrowed;
    double interest;
};

struct Order {
    int give_asset;
    double give_quantity;
    int get_asset;
    double get_quantity;
};

struct Account {
    std::vector<Entry> entries;
    std::vector<Order> orders;
    double open_order_loss = 0;
};

/// Owns the arrays of a book.
template <class AssetId = std::uint16_t>
class Book {
  public:
    Book() = default;
    explicit Book(const Account& account) {
        add(account);
    }

    void add(const Account& account) {
        for (const Entry& entry : account.entries) {
            asset_.push_back(static_cast<AssetId>(entry.asset));
            free_.push_back(entry.free);
            locked_.push_back(entry.locked);
            borrowed_.push_back(entry.borrowed);
            interest_.push_back(entry.interest);
        }
        for (const Order& order : account.orders) {
            give_asset_.push_back(static_cast<AssetId>(order.give_asset));
            get_asset_.push_back(static_cast<AssetId>(order.get_asset));
            give_quantity_.push_back(order.give_quantity);
            get_quantity_.push_back(order.get_quantity);
        }
        offsets_.push_back(static_cast<std::int64_t>(asset_.size()));
        order_offsets_.push_back(static_cast<std::int64_t>(give_asset_.size()));
        open_order_loss_.push_back(account.open_order_loss);
    }

    std::int64_t size() const {
        return static_cast<std::int64_t>(open_order_loss_.size());
    }

    AccountArrays<AssetId> view() const {
        AccountArrays<AssetId> arrays{};
        arrays.n_accounts = size();
        arrays.balances = {offsets_.data(), asset_.data(),    free_.data(),
                           locked_.data(),  borrowed_.data(), interest_.data()};
        arrays.orders = {order_offsets_.data(), give_asset_.data(), get_asset_.data(),
                         give_quantity_.data(), get_quantity_.data()};
        arrays.open_order_loss = open_order_loss_.data();
        return arrays;
    }

  private:
    std::vector<std::int64_t> offsets_{0};
    std::vector<std::int64_t> order_offsets_{0};
    std::vector<AssetId> asset_, give_asset_, get_asset_;
    std::vector<double> free_, locked_, borrowed_, interest_;
    std::vector<double> give_quantity_, get_quantity_, open_order_loss_;
};

/// What an asset is worth: its price and the numbers of its schedules, -1 where it has none.
struct Asset {
    double price = 1;
    int collateral = -1;
    int borrow = -1;
    int transfer_out = -1;
    int maintenance = -1;
    int initial = -1;

    template <class Mode>
    int schedule(int table) const {
        const int classic[] = {collateral, borrow, transfer_out};
        const int pro[] = {collateral, maintenance, initial};
        return Mode::counts_orders ? pro[table] : classic[table];
    }
};

/// Owns what one evaluation under a mode reads of the market.
template <class Mode>
class MarketOf {
  public:
    MarketOf(const Rules& rules, const std::vector<Asset>& assets,
             std::vector<std::uint16_t> gaps = {})
        : schedules_(rules.table()), gaps_(std::move(gaps)) {
        for (const Asset& asset : assets) {
            MarketRow<Mode::n_tables> row{};
            row.price = asset.price;
            for (int table = 0; table < Mode::n_tables; ++table) {
                row.tables[table] = rules.entry(asset.schedule<Mode>(table));
            }
            rows_.push_back(row);
        }
        market_.schedules = &schedules_;
        market_.rows = rows_.data();
        market_.gaps = gaps_.empty() ? nullptr : gaps_.data();
        market_.steepest = rules.steepest();
    }
    MarketOf(const MarketOf&) = delete;
    MarketOf& operator=(const MarketOf&) = delete;

    const Market<Mode::n_tables>& market() const {
        return market_;
    }

  private:
    ScheduleTable schedules_;
    std::vector<std::uint16_t> gaps_;
    std::vector<MarketRow<Mode::n_tables>> rows_;
    Market<Mode::n_tables> market_{};
};

/// The threshold lines of a mode: two that decide alone, then two grants.
template <class Mode>
class Decisions {
  public:
    static constexpr int n_tests = 4;

    Decisions() {
        const bool is_pro = Mode::counts_orders;
        const Decimal pro[] = {{1, 0}, {15, -1}, {0, 0}, {2, 0}};
        const Decimal classic[] = {{11, -1}, {13, -1}, {15, -1}, {2, 0}};
        for (int test = 0; test < n_tests; ++test) {
            const Decimal limit = is_pro ? pro[test] : classic[test];
            thresholds_.push_back({BigDecimal(limit).rounded(), limit});
            levels_.push_back(tested_level(test));
        }
        for (unsigned bits = 0; bits < 1U << n_tests; ++bits) {
            actions_.push_back(actions_of(bits));
        }
    }

    /// Level 1 of Pro is the available margin; 2 and 3 of Classic are borrow and transfer-out.
    static int tested_level(int test) {
        constexpr int pro[] = {0, 0, 1, 0};
        constexpr int classic[] = {0, 0, 2, 3};
        return Mode::counts_orders ? pro[test] : classic[test];
    }

    static std::uint16_t actions_of(unsigned bits) {
        if ((bits & 1U) != 0) {
            return action_liquidate;
        }
        if ((bits & 2U) != 0) {
            return action_trade | action_margin_call;
        }
        return static_cast<std::uint16_t>(action_trade | ((bits & 4U) != 0 ? 0 : action_borrow) |
                                          ((bits & 8U) != 0 ? 0 : action_transfer_out));
    }

    DecisionTable table() const {
        DecisionTable table{};
        table.n_tests = n_tests;
        table.n_classes = 1;
        table.greatest_theta = 2;
        for (int test = 0; test < n_tests; ++test) {
            table.test_level[test] = levels_[static_cast<std::size_t>(test)];
        }
        table.thresholds = thresholds_.data();
        table.actions = actions_.data();
        return table;
    }

  private:
    std::vector<int> levels_;
    std::vector<Threshold> thresholds_;
    std::vector<std::uint16_t> actions_;
};

}  // namespace pymargin::test
