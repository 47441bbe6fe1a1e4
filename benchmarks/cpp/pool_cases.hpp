#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "pymargin/evaluate_pool_slots.hpp"
#include "pymargin/modes/all.hpp"
#include "pymargin/pool_accounts.hpp"

namespace pymargin::gate {

/// Wallets and positions of a fixed book, in balances too where accounts are of portfolio margin:
/// one to five positions, one in eight beyond its first bracket, one in sixteen isolated.
class PoolBookOfGate {
  public:
    static constexpr int n_accounts = 10'000;
    static constexpr int n_assets = 40;
    static constexpr int n_symbols = 200;

    template <class Generator>
    PoolBookOfGate(Generator random, bool is_portfolio) : is_portfolio_(is_portfolio) {
        for (std::uint32_t symbol = 0; symbol < n_symbols; ++symbol) {
            contracts_.push_back({symbol % 16 == 0 ? 1U : 0U, 1.0, false});
        }
        for (int account = 0; account < n_accounts; ++account) {
            draw_positions(random);
            for (std::uint32_t asset = 0; asset < 1 + random.below(2); ++asset) {
                wallet_asset_.push_back(asset);
                wallet_.push_back(random.below(1'000'000) / 64.0);
            }
            wallet_offsets_.push_back(static_cast<std::int64_t>(wallet_.size()));
            if (is_portfolio) {
                draw_balances(random);
            }
            balance_offsets_.push_back(static_cast<std::int64_t>(free_.size()));
        }
    }

    Holdings view() const {
        Holdings book{};
        book.n_accounts = n_accounts;
        book.pooling = is_portfolio_ ? Pooling::in_one : Pooling::by_asset;
        book.n_assets = n_assets;
        book.balances = {balance_offsets_.data(), balance_asset_.data(), free_.data(), none_.data(),
                         borrowed_.data(),        none_.data()};
        book.loan_leverage = loan_leverage_.data();
        book.wallets = {wallet_offsets_.data(), wallet_asset_.data(), wallet_.data()};
        book.positions = {position_offsets_.data(), symbol_.data(), quantity_.data(), entry_.data(),
                          leverage_.data(),         nullptr,        isolated_.data()};
        book.contracts = contracts_.data();
        book.loan_rates = &loan_rate_;
        book.n_loan_rates = 1;
        book.open_order_loss = none_.data();
        return book;
    }

  private:
    template <class Generator>
    void draw_positions(Generator& random) {
        const std::uint32_t length = 1 + random.below(3) + random.below(3);
        const std::uint32_t first = random.below(n_symbols);
        for (std::uint32_t k = 0; k < length; ++k) {
            symbol_.push_back((first + 7 * k) % n_symbols);
            const double size = random.below(8) == 0 ? 64.0 : 1.0;
            const double sign = random.below(2) == 0 ? 1.0 : -1.0;
            quantity_.push_back(sign * size * (1 + random.below(100'000)) / 64.0);
            entry_.push_back(0.5 + random.below(16));
            leverage_.push_back(1 + random.below(20));
            isolated_.push_back(!is_portfolio_ && random.below(16) == 0
                                    ? random.below(100'000) / 64.0
                                    : std::numeric_limits<double>::quiet_NaN());
        }
        position_offsets_.push_back(static_cast<std::int64_t>(symbol_.size()));
    }

    template <class Generator>
    void draw_balances(Generator& random) {
        const std::uint32_t length = 1 + random.below(6);
        const std::uint32_t first = random.below(n_assets);
        for (std::uint32_t k = 0; k < length; ++k) {
            balance_asset_.push_back((first + 3 * k) % n_assets);
            free_.push_back(random.below(1'000'000) / 64.0);
            borrowed_.push_back(random.below(4) == 0 ? random.below(200'000) / 64.0 : 0.0);
            loan_leverage_.push_back(5);
        }
    }

    bool is_portfolio_;
    std::vector<Contract> contracts_;
    LoanRate loan_rate_{5, {8, -2}};
    std::vector<std::int64_t> wallet_offsets_{0}, position_offsets_{0}, balance_offsets_{0};
    std::vector<std::uint32_t> wallet_asset_, symbol_, balance_asset_;
    std::vector<double> wallet_, quantity_, entry_, leverage_, isolated_, free_, borrowed_;
    std::vector<std::uint8_t> loan_leverage_;
    std::vector<double> none_ = std::vector<double>(8 * n_accounts, 0.0);
};

/// Everything that the cases of a mode over pools read and write.
template <class Mode>
class PoolCases {
  public:
    template <class Generator, class Rules>
    PoolCases(Generator random, const Rules& rules)
        : book_(random, Mode::counts_orders), holdings_(book_.view()), pools_(holdings_) {
        const PoolRows rows{PoolBookOfGate::n_assets};
        const std::uint32_t n_rows = rows.symbol(PoolBookOfGate::n_symbols);
        for (std::uint32_t row = 0; row < n_rows; ++row) {
            const bool is_asset = row < rows.symbol(0);
            const double price = is_asset && !Mode::counts_orders ? 1.0 : 0.5 + row % 16;
            // Collateral falls, brackets rise; a futures pool is counted in full.
            const TableEntry whole{std::numeric_limits<double>::infinity(), 1.0, 0};
            const bool is_whole = is_asset && !Mode::counts_orders;
            rows_.push_back({price, {is_whole ? whole : table_entry(rules.table, !is_asset)}});
            terms_.push_back({is_asset ? price : -1.0, price, 0.0});
        }
        market_ = {&rules.table, rows_.data(), nullptr, 1.0, terms_.data()};
        slots_ = std::make_unique<PoolSlotBook>(pools_.view(), &market_, 1);
        for (std::uint16_t bits = 0; bits < 16; ++bits) {
            const unsigned code = (bits & 1U) != 0 ? 1U : 128U | (bits >> 1 & 1U);
            actions_of_bits_[bits] = static_cast<std::uint16_t>(code);
        }
        table_.n_tests = 4;
        for (int test = 0; test < 4; ++test) {
            table_.test_level[test] = Mode::usual_tests[test];
        }
        table_.n_classes = 1;
        table_.greatest_theta = 1.5;
        table_.thresholds = Mode::counts_orders ? lines_ : line_and_grant_;
        table_.actions = actions_of_bits_;
    }

    static constexpr const char* layouts[] = {"rows", "slots"};

    /// Accounts' levels and actions, by pools one after the other or from slots of accounts.
    void run(const std::string& layout) {
        Outputs<Mode> outputs{};
        outputs.levels[0] = levels_.data();
        outputs.actions = actions_.data();
        if constexpr (Mode::is_one_pool) {
            if (layout == "rows") {
                evaluate<Mode>(pools_.view(), market_, table_, outputs, 1);
            } else {
                evaluate_pool_slots<Mode>(slots_->view(), pools_.view(), market_, n_rows(), table_,
                                          nullptr, outputs, 1, implementation());
            }
        } else if (layout == "rows") {
            combine();
        } else {
            evaluate_joined_slots<Mode>(slots_->view(), pools_.view(), market_, n_rows(), table_,
                                        {unit_.data(), n_units, codes_of()}, outputs, nullptr, 1,
                                        implementation());
        }
    }

    /// Whether the last pass found what the row-wise pass, which must be the first, found.
    bool is_right(const std::string& layout) {
        if (layout == "rows") {
            expected_levels_ = levels_;
            expected_actions_ = actions_;
        }
        return levels_ == expected_levels_ && actions_ == expected_actions_;
    }

  private:
    static constexpr std::int64_t n_units = PoolBookOfGate::n_assets + 1;

    std::int64_t n_rows() const noexcept {
        return static_cast<std::int64_t>(rows_.size());
    }
    PoolCodes codes_of() const noexcept {
        return {of_line_, 1, of_grants_.data()};
    }

    void combine() {
        Outputs<Mode> of_pools{};
        of_pools.levels[0] = pool_levels_.data();
        of_pools.actions = pool_codes_.data();
        evaluate<Mode>(pools_.view(), market_, table_, of_pools, 1);
        const auto& keys = pools_.keys();
        for (std::size_t pool = 0; pool < keys.size(); ++pool) {
            is_isolated_[pool] = keys[pool].isolated >= 0 ? 1 : 0;
        }
        const PoolFigures figures{pools_.view().first_pool,
                                  keys.data(),
                                  is_isolated_.data(),
                                  unit_.data(),
                                  n_units,
                                  pool_levels_.data(),
                                  nullptr,
                                  0,
                                  pool_codes_.data()};
        combine_pools(PoolBookOfGate::n_accounts, figures, codes_of(),
                      {levels_.data(), nullptr, nullptr, actions_.data()}, 1);
    }

    const PoolBookOfGate book_;
    const Holdings holdings_;
    const PoolBook<std::uint16_t> pools_;
    std::vector<MarketRow<1>> rows_;
    std::vector<InstrumentTerms> terms_;
    Market<1> market_{};
    std::unique_ptr<const PoolSlotBook> slots_;
    const Threshold line_and_grant_[4] = {
        {1.0, {1, 0}}, {0.0, {0, 0}}, {1.0, {1, 0}}, {0.0, {0, 0}}};
    const Threshold lines_[4] = {
        {1.0, {1, 0}}, {1.05, {105, -2}}, {1.2, {12, -1}}, {1.5, {15, -1}}};
    std::uint16_t actions_of_bits_[16];
    DecisionTable table_{};
    const std::vector<double> unit_ = std::vector<double>(n_units, 1.0);
    const std::uint16_t of_line_[2] = {0, action_liquidate};
    const std::vector<std::uint16_t> of_grants_ = std::vector<std::uint16_t>(128, action_trade);
    std::vector<double> pool_levels_ = std::vector<double>(pools_.keys().size());
    std::vector<std::uint16_t> pool_codes_ = std::vector<std::uint16_t>(pools_.keys().size());
    std::vector<std::uint8_t> is_isolated_ = std::vector<std::uint8_t>(pools_.keys().size());
    std::vector<double> levels_ = std::vector<double>(PoolBookOfGate::n_accounts);
    std::vector<std::uint16_t> actions_ = std::vector<std::uint16_t>(PoolBookOfGate::n_accounts);
    std::vector<double> expected_levels_;
    std::vector<std::uint16_t> expected_actions_;
};

}  // namespace pymargin::gate
