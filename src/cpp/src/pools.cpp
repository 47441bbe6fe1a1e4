#include "pymargin/pools.hpp"

#include <type_traits>

#include "pymargin/compact.hpp"
#include "pymargin/fine_line.hpp"
#include "pymargin/quotient.hpp"

namespace pymargin {
namespace {

/// Exact128 and FineLine have no division: their legs are those of linear contracts, without
/// initial margins.
template <class Number>
constexpr bool divides = !std::is_same_v<Number, Exact128> && !std::is_same_v<Number, FineLine>;

template <class Number>
Number read(double value) {
    if constexpr (std::is_same_v<Number, Exact128>) {
        return compact(value);
    } else {
        return Number(value);
    }
}

template <class Number>
Leg<Number> position_leg(const Holdings& book, std::int64_t position) {
    const Contract& contract = book.contracts[book.positions.symbol[position]];
    const Number quantity = read<Number>(book.positions.quantity[position]);
    const Number units = contract.size == 1 ? quantity : quantity * read<Number>(contract.size);
    const Number entry = read<Number>(book.positions.entry_price[position]);
    const Number zero{};
    if constexpr (divides<Number>) {
        const Number per_leverage = Number(1.0) / Number(book.positions.leverage[position]);
        if (contract.is_inverse) {
            return {zero - quantity, units / entry, per_leverage};
        }
        return {units, zero - units * entry, per_leverage};
    } else {
        return {units, zero - units * entry, zero};
    }
}

/// The exact leg of an asset; a loan at an unknown leverage needs nothing (and the pool has a gap).
template <class Number>
Leg<Number> exact_asset_leg(const Holdings& book, const LegSource& source) {
    Leg<Number> leg{};
    if (source.position >= 0) {
        leg.x = read<Number>(book.positions.isolated_margin[source.position]);
        return leg;
    }
    if (source.wallet >= 0) {
        leg.x = read<Number>(book.wallets.balance[source.wallet]);
    }
    if (source.balance >= 0) {
        const auto& balances = book.balances;
        const Number loan =
            Number(balances.borrowed[source.balance]) + Number(balances.interest[source.balance]);
        leg.x += Number(balances.free[source.balance]);
        leg.x += Number(balances.locked[source.balance]);
        leg.x = leg.x - loan;
        const LoanRate* const rate = book.loan_rate(book.loan_leverage[source.balance]);
        if (rate != nullptr && loan.sign() != 0) {
            leg.y = loan * Number(rate->maintenance);
            if constexpr (divides<Number>) {
                leg.z = loan / Number(static_cast<double>(rate->leverage - 1));
            }
        }
    }
    return leg;
}

/// Whether float64 sums of the parts would cancel, or need more than plain sums.
bool needs_exact_sum(const Holdings& book, const LegSource& source) noexcept {
    const bool owes = source.balance >= 0 && (book.balances.borrowed[source.balance] != 0 ||
                                              book.balances.interest[source.balance] != 0);
    const bool is_overdrawn =
        source.balance >= 0 && source.wallet >= 0 && book.wallets.balance[source.wallet] < 0;
    return owes || is_overdrawn;
}

Leg<double> asset_leg(const Holdings& book, const LegSource& source) {
    if (needs_exact_sum(book, source)) {
        const Leg<Quotient> exact = exact_asset_leg<Quotient>(book, source);
        return {exact.x.rounded(), exact.y.rounded(), exact.z.rounded()};
    }
    double x = 0;
    if (source.position >= 0) {
        x = book.positions.isolated_margin[source.position];
    }
    if (source.balance >= 0) {
        x += book.balances.free[source.balance] + book.balances.locked[source.balance];
    }
    if (source.wallet >= 0) {
        x += book.wallets.balance[source.wallet];
    }
    return {x, 0, 0};
}

}  // namespace

template <>
Leg<double> leg_of<double>(const Holdings& book, const LegSource& source) {
    return source.is_position ? position_leg<double>(book, source.position)
                              : asset_leg(book, source);
}

template <>
Leg<Quotient> leg_of<Quotient>(const Holdings& book, const LegSource& source) {
    return source.is_position ? position_leg<Quotient>(book, source.position)
                              : exact_asset_leg<Quotient>(book, source);
}

template <>
Leg<Exact128> leg_of<Exact128>(const Holdings& book, const LegSource& source) {
    return source.is_position ? position_leg<Exact128>(book, source.position)
                              : exact_asset_leg<Exact128>(book, source);
}

template <>
Leg<FineLine> leg_of<FineLine>(const Holdings& book, const LegSource& source) {
    return source.is_position ? position_leg<FineLine>(book, source.position)
                              : exact_asset_leg<FineLine>(book, source);
}

template <class RowId>
PoolBook<RowId>::PoolBook(const Holdings& book) : book_(book), offsets_{0} {
    const auto lacks_rate = [&](const LegSource& source) {
        return source.balance >= 0 &&
               (book.balances.borrowed[source.balance] != 0 ||
                book.balances.interest[source.balance] != 0) &&
               book.loan_rate(book.loan_leverage[source.balance]) == nullptr;
    };
    for (std::int64_t account = 0; account < book.n_accounts; ++account) {
        first_pool_.push_back(static_cast<std::int64_t>(keys_.size()));
        for_each_leg(
            book, account,
            [&](const PoolKey& key) {
                keys_.push_back(key);
                account_.push_back(account);
                gaps_.push_back(0);
                open_order_loss_.push_back(
                    book.pooling == Pooling::in_one ? book.open_order_loss[account] : 0);
                offsets_.push_back(offsets_.back());
            },
            [&](const LegSource& source) {
                const Leg<double> leg = leg_of<double>(book, source);
                row_.push_back(static_cast<RowId>(source.row));
                x_.push_back(leg.x);
                y_.push_back(leg.y);
                z_.push_back(leg.z);
                ++offsets_.back();
                if (!source.is_position && lacks_rate(source)) {
                    gaps_.back() = action_unpriced_debt;
                    has_gaps_ = true;
                }
            });
    }
    first_pool_.push_back(static_cast<std::int64_t>(keys_.size()));
}

template <class RowId>
Pools<RowId> PoolBook<RowId>::view() const noexcept {
    return {static_cast<std::int64_t>(keys_.size()),
            offsets_.data(),
            row_.data(),
            x_.data(),
            y_.data(),
            z_.data(),
            has_gaps_ ? gaps_.data() : nullptr,
            open_order_loss_.data(),
            &book_,
            account_.data(),
            first_pool_.data(),
            keys_.data()};
}

template class PoolBook<std::uint16_t>;
template class PoolBook<std::uint32_t>;

}  // namespace pymargin
