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

template <class AssetId>
class Checker {
  public:
    Checker(const Balances<AssetId>& balances, std::int64_t n_assets, std::size_t limit)
        : balances_(balances), limit_(limit), last_seen_(static_cast<std::size_t>(n_assets), -1) {
    }

    std::vector<FoundFault> run(std::int64_t n_accounts, std::int64_t n_entries) {
        if (check_offsets(n_accounts, n_entries)) {
            for (std::int64_t account = 0; account < n_accounts; ++account) {
                check_account(account);
            }
        }
        return std::move(faults_);
    }

  private:
    void report(Fault fault, std::int64_t account, std::int64_t entry) {
        if (faults_.size() < limit_) {
            faults_.push_back({fault, account, entry});
        }
    }

    bool check_offsets(std::int64_t n_accounts, std::int64_t n_entries) {
        const std::int64_t* offsets = balances_.offsets;
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

    void check_account(std::int64_t account) {
        for (std::int64_t entry = balances_.offsets[account];
             entry < balances_.offsets[account + 1]; ++entry) {
            check_quantity(balances_.free, Fault::free, account, entry);
            check_quantity(balances_.locked, Fault::locked, account, entry);
            check_quantity(balances_.borrowed, Fault::borrowed, account, entry);
            check_quantity(balances_.interest, Fault::interest, account, entry);
            check_asset(account, entry);
        }
    }

    void check_quantity(const double* quantities, Fault fault, std::int64_t account,
                        std::int64_t entry) {
        if (!is_quantity(quantities[entry])) {
            report(fault, account, entry);
        }
    }

    void check_asset(std::int64_t account, std::int64_t entry) {
        const auto asset = static_cast<std::size_t>(balances_.asset[entry]);
        if (asset >= last_seen_.size()) {
            report(Fault::asset_id, account, entry);
            return;
        }
        if (last_seen_[asset] == account) {
            report(Fault::duplicate_asset, account, entry);
        }
        last_seen_[asset] = account;
    }

    const Balances<AssetId>& balances_;
    std::size_t limit_;
    std::vector<std::int64_t> last_seen_;
    std::vector<FoundFault> faults_;
};

}  // namespace

template <class AssetId>
std::vector<FoundFault> check_balances(const Balances<AssetId>& balances, std::int64_t n_accounts,
                                       std::int64_t n_entries, std::int64_t n_assets,
                                       std::size_t limit) {
    return Checker<AssetId>(balances, n_assets, limit).run(n_accounts, n_entries);
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
template void count_holders(const Balances<std::uint16_t>&, std::int64_t, std::int64_t*,
                            std::int64_t*) noexcept;
template void count_holders(const Balances<std::uint32_t>&, std::int64_t, std::int64_t*,
                            std::int64_t*) noexcept;

}  // namespace pymargin
