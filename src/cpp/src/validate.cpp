#include "pymargin/validate.hpp"

#include <cmath>
#include <limits>
#include <utility>

namespace pymargin {
namespace {

bool is_quantity(double value) noexcept {
    // Also false for NaN.
    return value >= 0 && value <= std::numeric_limits<double>::max();
}

bool is_finite(double value) noexcept {
    return std::fabs(value) <= std::numeric_limits<double>::max();
}

bool is_entry_price(double value) noexcept {
    return value >= 1e-100 && value <= 1e100;
}

bool is_leverage(double value) noexcept {
    return std::isnan(value) || (value >= 1 && is_finite(value) && value == std::floor(value));
}

/// Walks the entries of compressed rows and keeps the faults that `check_entry` reports.
class Faults {
  public:
    explicit Faults(std::size_t limit) : limit_(limit) {
    }

    void report(Fault fault, std::int64_t account, std::int64_t entry) {
        if (found_.size() < limit_) {
            found_.push_back({fault, account, entry});
        }
    }

    template <class CheckEntry>
    std::vector<FoundFault> run(const std::int64_t* offsets, std::int64_t n_accounts,
                                std::int64_t n_entries, CheckEntry&& check_entry) {
        if (check_offsets(offsets, n_accounts, n_entries)) {
            for (std::int64_t account = 0; account < n_accounts; ++account) {
                for (std::int64_t entry = offsets[account]; entry < offsets[account + 1]; ++entry) {
                    check_entry(account, entry);
                }
            }
        }
        return std::move(found_);
    }

  private:
    bool check_offsets(const std::int64_t* offsets, std::int64_t n_accounts,
                       std::int64_t n_entries) {
        bool are_sound = true;
        if (offsets[0] != 0) {
            are_sound = false;
            report(Fault::offsets, 0, 0);
        }
        for (std::int64_t account = 0; account < n_accounts; ++account) {
            if (offsets[account + 1] < offsets[account] || offsets[account + 1] > n_entries) {
                are_sound = false;
                report(Fault::offsets, account, account + 1);
            }
        }
        return are_sound;
    }

    std::size_t limit_;
    std::vector<FoundFault> found_;
};

/// Tells a name that stands twice in one account, when accounts come in order.
class SeenNames {
  public:
    explicit SeenNames(std::int64_t n_names)
        : last_account_(static_cast<std::size_t>(n_names), -1) {
    }

    void check(std::size_t name, Fault unknown, Fault duplicate, std::int64_t account,
               std::int64_t entry, Faults& faults) {
        if (name >= last_account_.size()) {
            faults.report(unknown, account, entry);
            return;
        }
        if (last_account_[name] == account) {
            faults.report(duplicate, account, entry);
        }
        last_account_[name] = account;
    }

  private:
    std::vector<std::int64_t> last_account_;
};

/// Tells symbols that an account holds twice on a side, or in one-way and hedge mode at once.
class SeenSides {
  public:
    explicit SeenSides(std::int64_t n_symbols) : symbols_(static_cast<std::size_t>(n_symbols)) {
    }

    bool knows(std::size_t symbol) const noexcept {
        return symbol < symbols_.size();
    }

    void check(std::size_t symbol, int side, std::int64_t account, std::int64_t entry,
               Faults& faults) {
        Seen& seen = symbols_[symbol];
        if (seen.account != account) {
            seen = {account, 0};
        }
        const unsigned bit = 1U << static_cast<unsigned>(side);
        const unsigned one_way = 1U;
        if ((seen.sides & bit) != 0) {
            faults.report(Fault::duplicate_position, account, entry);
        } else if (seen.sides != 0 && (bit == one_way || (seen.sides & one_way) != 0)) {
            faults.report(Fault::mixed_sides, account, entry);
        }
        seen.sides |= bit;
    }

  private:
    struct Seen {
        std::int64_t account = -1;
        unsigned sides = 0;
    };
    std::vector<Seen> symbols_;
};

template <class SymbolId>
class PositionCheck {
  public:
    PositionCheck(const Positions<SymbolId>& positions, std::int64_t n_symbols, Faults& faults)
        : positions_(positions), seen_(n_symbols), faults_(faults) {
    }

    void operator()(std::int64_t account, std::int64_t entry) {
        const double quantity = positions_.quantity[entry];
        const int side = positions_.side[entry];
        const bool has_side = side >= 0 && side <= 2;
        const auto require = [&](bool holds, Fault fault) {
            if (!holds) {
                faults_.report(fault, account, entry);
            }
        };
        require(is_finite(quantity), Fault::quantity);
        require(quantity == 0 || is_entry_price(positions_.entry_price[entry]), Fault::entry_price);
        require(is_leverage(positions_.leverage[entry]), Fault::position_leverage);
        require(has_side, Fault::side);
        require(!std::isinf(positions_.isolated_margin[entry]), Fault::isolated_margin);
        const bool is_against_side = (side == 1 && quantity < 0) || (side == 2 && quantity > 0);
        require(!is_finite(quantity) || !is_against_side, Fault::side_sign);
        const auto symbol = static_cast<std::size_t>(positions_.symbol[entry]);
        require(seen_.knows(symbol), Fault::symbol_id);
        if (seen_.knows(symbol) && has_side && quantity != 0) {
            seen_.check(symbol, side, account, entry, faults_);
        }
    }

  private:
    const Positions<SymbolId>& positions_;
    SeenSides seen_;
    Faults& faults_;
};

}  // namespace

template <class AssetId>
std::vector<FoundFault> check_balances(const Balances<AssetId>& balances, std::int64_t n_accounts,
                                       std::int64_t n_entries, std::int64_t n_assets,
                                       std::size_t limit) {
    Faults faults(limit);
    SeenNames seen(n_assets);
    const auto check_entry = [&](std::int64_t account, std::int64_t entry) {
        const auto require = [&](const double* quantities, Fault fault) {
            if (!is_quantity(quantities[entry])) {
                faults.report(fault, account, entry);
            }
        };
        require(balances.free, Fault::free);
        require(balances.locked, Fault::locked);
        require(balances.borrowed, Fault::borrowed);
        require(balances.interest, Fault::interest);
        seen.check(static_cast<std::size_t>(balances.asset[entry]), Fault::asset_id,
                   Fault::duplicate_asset, account, entry, faults);
    };
    return faults.run(balances.offsets, n_accounts, n_entries, check_entry);
}

template <class AssetId>
std::vector<FoundFault> check_wallets(const Wallets<AssetId>& wallets, std::int64_t n_accounts,
                                      std::int64_t n_entries, std::int64_t n_assets,
                                      std::size_t limit) {
    Faults faults(limit);
    SeenNames seen(n_assets);
    const auto check_entry = [&](std::int64_t account, std::int64_t entry) {
        if (!is_finite(wallets.balance[entry])) {
            faults.report(Fault::wallet_balance, account, entry);
        }
        seen.check(static_cast<std::size_t>(wallets.asset[entry]), Fault::asset_id,
                   Fault::duplicate_wallet, account, entry, faults);
    };
    return faults.run(wallets.offsets, n_accounts, n_entries, check_entry);
}

template <class SymbolId>
std::vector<FoundFault> check_positions(const Positions<SymbolId>& positions,
                                        std::int64_t n_accounts, std::int64_t n_entries,
                                        std::int64_t n_symbols, std::size_t limit) {
    Faults faults(limit);
    PositionCheck<SymbolId> check_entry(positions, n_symbols, faults);
    return faults.run(positions.offsets, n_accounts, n_entries, check_entry);
}

template <class AssetId>
void count_holders(const Balances<AssetId>& balances, std::int64_t n_accounts,
                   std::int64_t* holders, std::int64_t* owers) noexcept {
    // An asset stands at most once in an account, so entries count accounts.
    for (std::int64_t entry = balances.offsets[0]; entry < balances.offsets[n_accounts]; ++entry) {
        const auto asset = balances.asset[entry];
        holders[asset] += balances.free[entry] > 0 || balances.locked[entry] > 0 ? 1 : 0;
        owers[asset] += balances.borrowed[entry] > 0 || balances.interest[entry] > 0 ? 1 : 0;
    }
}

template std::vector<FoundFault> check_balances(const Balances<std::uint16_t>&, std::int64_t,
                                                std::int64_t, std::int64_t, std::size_t);
template std::vector<FoundFault> check_balances(const Balances<std::uint32_t>&, std::int64_t,
                                                std::int64_t, std::int64_t, std::size_t);
template std::vector<FoundFault> check_wallets(const Wallets<std::uint16_t>&, std::int64_t,
                                               std::int64_t, std::int64_t, std::size_t);
template std::vector<FoundFault> check_wallets(const Wallets<std::uint32_t>&, std::int64_t,
                                               std::int64_t, std::int64_t, std::size_t);
template std::vector<FoundFault> check_positions(const Positions<std::uint16_t>&, std::int64_t,
                                                 std::int64_t, std::int64_t, std::size_t);
template std::vector<FoundFault> check_positions(const Positions<std::uint32_t>&, std::int64_t,
                                                 std::int64_t, std::int64_t, std::size_t);
template void count_holders(const Balances<std::uint16_t>&, std::int64_t, std::int64_t*,
                            std::int64_t*) noexcept;
template void count_holders(const Balances<std::uint32_t>&, std::int64_t, std::int64_t*,
                            std::int64_t*) noexcept;

}  // namespace pymargin
