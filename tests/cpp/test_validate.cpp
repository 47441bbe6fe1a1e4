#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "pymargin/validate.hpp"

namespace {

using pymargin::Balances;
using pymargin::check_balances;
using pymargin::count_holders;
using pymargin::Fault;
using pymargin::FoundFault;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Three accounts of two, none and three entries, all in order.
template <class AssetId>
struct Arrays {
    std::vector<std::int64_t> offsets{0, 2, 2, 5};
    std::vector<AssetId> asset{0, 1, 1, 0, 2};
    std::vector<double> free{1, 0, 3, 0, 0};
    std::vector<double> locked{0, 0, 1, 2, 0};
    std::vector<double> borrowed{0, 4, 0, 0, 0};
    std::vector<double> interest{0, 0, 0, 0, 1e-8};

    Balances<AssetId> view() const {
        return {offsets.data(), asset.data(),    free.data(),
                locked.data(),  borrowed.data(), interest.data()};
    }
    std::vector<FoundFault> faults(std::size_t limit = 100) const {
        return check_balances(view(), static_cast<std::int64_t>(offsets.size()) - 1,
                              static_cast<std::int64_t>(asset.size()), 3, limit);
    }
};

using Narrow = Arrays<std::uint16_t>;

void check_one(const Narrow& arrays, Fault fault, std::int64_t account, std::int64_t entry) {
    const auto faults = arrays.faults();
    CHECK_EQ(faults.size(), 1U);
    if (faults.size() == 1) {
        CHECK_EQ(faults[0].fault, fault);
        CHECK_EQ(faults[0].account, account);
        CHECK_EQ(faults[0].entry, entry);
    }
}

}  // namespace

TEST(a_sound_book_has_no_fault) {
    CHECK(Narrow{}.faults().empty());
    CHECK(Arrays<std::uint32_t>{}.faults().empty());
}

TEST(a_quantity_must_be_finite_and_not_negative) {
    for (const double bad : {-1.0, -5e-324, infinity, -infinity, not_a_number}) {
        Narrow free;
        free.free[2] = bad;
        check_one(free, Fault::free, 2, 2);
        Narrow locked;
        locked.locked[1] = bad;
        check_one(locked, Fault::locked, 0, 1);
        Narrow borrowed;
        borrowed.borrowed[3] = bad;
        check_one(borrowed, Fault::borrowed, 2, 3);
        Narrow interest;
        interest.interest[4] = bad;
        check_one(interest, Fault::interest, 2, 4);
    }
}

TEST(every_finite_quantity_passes) {
    for (const double good : {0.0, -0.0, 5e-324, std::numeric_limits<double>::max()}) {
        Narrow arrays;
        arrays.free[0] = good;
        CHECK(arrays.faults().empty());
    }
}

TEST(an_asset_stands_once_in_an_account) {
    Narrow arrays;
    arrays.asset[4] = 1;
    check_one(arrays, Fault::duplicate_asset, 2, 4);
}

TEST(an_asset_id_is_below_the_number_of_assets) {
    Narrow arrays;
    arrays.asset[0] = 3;
    check_one(arrays, Fault::asset_id, 0, 0);
    arrays.asset[0] = 65535;
    check_one(arrays, Fault::asset_id, 0, 0);
}

TEST(offsets_start_at_zero_rise_and_end_within_the_entries) {
    Narrow start;
    start.offsets[0] = 1;
    check_one(start, Fault::offsets, 0, 0);
    Narrow fall;
    fall.offsets[2] = 1;
    check_one(fall, Fault::offsets, 1, 2);
    Narrow end;
    end.offsets[3] = 6;
    check_one(end, Fault::offsets, 2, 3);
    Narrow negative;
    negative.offsets[1] = -1;
    check_one(negative, Fault::offsets, 0, 1);
}

TEST(after_a_fault_of_the_offsets_nothing_else_is_looked_at) {
    Narrow arrays;
    arrays.offsets = {0, 1000000000, 2, 5};
    arrays.free[0] = not_a_number;
    for (const FoundFault& found : arrays.faults()) {
        CHECK_EQ(found.fault, Fault::offsets);
    }
    CHECK(!arrays.faults().empty());
    // Also where no fault is to be listed.
    CHECK(arrays.faults(0).empty());
}

TEST(all_faults_come_at_once_up_to_the_limit) {
    Narrow arrays;
    arrays.free = {not_a_number, not_a_number, not_a_number, not_a_number, not_a_number};
    arrays.interest[4] = -1;
    arrays.asset[1] = 0;
    CHECK_EQ(arrays.faults().size(), 7U);
    CHECK_EQ(arrays.faults(3).size(), 3U);
    CHECK(arrays.faults(0).empty());
}

TEST(a_book_without_accounts_has_no_fault) {
    Narrow arrays;
    arrays.offsets = {0};
    arrays.asset.clear();
    CHECK(arrays.faults().empty());
}

TEST(holders_and_owers_are_counted_per_asset) {
    std::vector<std::int64_t> holders(3, 0);
    std::vector<std::int64_t> owers(3, 0);
    count_holders(Narrow{}.view(), 3, holders.data(), owers.data());
    CHECK(holders == (std::vector<std::int64_t>{2, 1, 0}));
    CHECK(owers == (std::vector<std::int64_t>{0, 1, 1}));
    // Further books add up.
    count_holders(Arrays<std::uint32_t>{}.view(), 3, holders.data(), owers.data());
    CHECK(holders == (std::vector<std::int64_t>{4, 2, 0}));
}

namespace {

using pymargin::check_positions;
using pymargin::check_wallets;
using pymargin::Positions;
using pymargin::Wallets;

/// Two accounts of one and two wallets.
template <class AssetId>
struct WalletArrays {
    std::vector<std::int64_t> offsets{0, 1, 3};
    std::vector<AssetId> asset{1, 1, 0};
    std::vector<double> balance{-1, 2, 0};

    std::vector<FoundFault> faults(std::size_t limit = 100) const {
        const Wallets<AssetId> view{offsets.data(), asset.data(), balance.data()};
        return check_wallets(view, 2, static_cast<std::int64_t>(asset.size()), 2, limit);
    }
};

/// One account in hedge mode and a short in another symbol, one with a single position.
template <class SymbolId>
struct PositionArrays {
    std::vector<std::int64_t> offsets{0, 3, 4};
    std::vector<SymbolId> symbol{0, 0, 1, 0};
    std::vector<double> quantity{1, -2, -3, 4};
    std::vector<double> entry_price{10, 20, 30, 40};
    std::vector<double> leverage{not_a_number, 1, 125, 20};
    std::vector<std::int8_t> side{1, 2, 0, 0};
    std::vector<double> isolated_margin{not_a_number, not_a_number, 5, -0.25};

    std::vector<FoundFault> faults(std::size_t limit = 100) const {
        const Positions<SymbolId> view{offsets.data(),        symbol.data(),   quantity.data(),
                                       entry_price.data(),    leverage.data(), side.data(),
                                       isolated_margin.data()};
        return check_positions(view, 2, static_cast<std::int64_t>(symbol.size()), 2, limit);
    }
};

using NarrowPositions = PositionArrays<std::uint16_t>;

template <class Arrays>
void check_only(const Arrays& arrays, Fault fault, std::int64_t account, std::int64_t entry) {
    const auto faults = arrays.faults();
    CHECK_EQ(faults.size(), 1U);
    if (faults.size() == 1) {
        CHECK_EQ(faults[0].fault, fault);
        CHECK_EQ(faults[0].account, account);
        CHECK_EQ(faults[0].entry, entry);
    }
}

}  // namespace

TEST(sound_wallets_have_no_fault) {
    CHECK(WalletArrays<std::uint16_t>{}.faults().empty());
    CHECK(WalletArrays<std::uint32_t>{}.faults().empty());
}

TEST(a_wallet_balance_must_be_finite) {
    for (const double bad : {infinity, -infinity, not_a_number}) {
        WalletArrays<std::uint16_t> arrays;
        arrays.balance[2] = bad;
        check_only(arrays, Fault::wallet_balance, 1, 2);
    }
}

TEST(an_asset_has_one_wallet_in_an_account) {
    WalletArrays<std::uint16_t> arrays;
    arrays.asset[2] = 1;
    check_only(arrays, Fault::duplicate_wallet, 1, 2);
    arrays.asset[2] = 2;
    check_only(arrays, Fault::asset_id, 1, 2);
}

TEST(offsets_of_wallets_and_positions_are_checked_before_anything_is_read) {
    WalletArrays<std::uint16_t> wallets;
    wallets.offsets = {0, 1, 1000000000};
    check_only(wallets, Fault::offsets, 1, 2);
    NarrowPositions positions;
    positions.offsets = {1, 3, 4};
    check_only(positions, Fault::offsets, 0, 0);
}

TEST(sound_positions_have_no_fault) {
    CHECK(NarrowPositions{}.faults().empty());
    CHECK(PositionArrays<std::uint32_t>{}.faults().empty());
}

TEST(a_quantity_of_a_position_must_be_finite) {
    for (const double bad : {infinity, not_a_number}) {
        NarrowPositions arrays;
        arrays.quantity[3] = bad;
        check_only(arrays, Fault::quantity, 1, 3);
    }
}

TEST(an_entry_price_must_be_positive_and_in_range) {
    for (const double bad : {0.0, -1.0, 9e-101, 1.1e100, infinity, not_a_number}) {
        NarrowPositions arrays;
        arrays.entry_price[2] = bad;
        check_only(arrays, Fault::entry_price, 0, 2);
    }
    for (const double good : {1e-100, 1e100}) {
        NarrowPositions arrays;
        arrays.entry_price[2] = good;
        CHECK(arrays.faults().empty());
    }
}

TEST(a_leverage_is_an_integer_from_1_where_it_is_given) {
    for (const double bad : {0.0, 0.5, 2.5, -1.0, infinity}) {
        NarrowPositions arrays;
        arrays.leverage[0] = bad;
        check_only(arrays, Fault::position_leverage, 0, 0);
    }
}

TEST(a_side_is_one_of_three) {
    for (const int bad : {-1, 3, 127}) {
        NarrowPositions arrays;
        arrays.side[3] = static_cast<std::int8_t>(bad);
        check_only(arrays, Fault::side, 1, 3);
    }
}

TEST(an_isolated_margin_must_be_finite_where_it_is_given) {
    NarrowPositions arrays;
    arrays.isolated_margin[1] = -infinity;
    check_only(arrays, Fault::isolated_margin, 0, 1);
}

TEST(a_quantity_has_the_sign_of_its_side) {
    NarrowPositions long_side;
    long_side.quantity[0] = -1;
    check_only(long_side, Fault::side_sign, 0, 0);
    NarrowPositions short_side;
    short_side.quantity[1] = 1;
    check_only(short_side, Fault::side_sign, 0, 1);
}

TEST(a_symbol_stands_once_on_a_side) {
    NarrowPositions arrays;
    arrays.side[1] = 1;
    arrays.quantity[1] = 2;
    check_only(arrays, Fault::duplicate_position, 0, 1);
}

TEST(a_symbol_is_not_in_one_way_and_hedge_mode_at_once) {
    NarrowPositions after;
    after.side[1] = 0;
    check_only(after, Fault::mixed_sides, 0, 1);
    NarrowPositions before;
    before.side[0] = 0;
    check_only(before, Fault::mixed_sides, 0, 1);
}

TEST(an_entry_of_quantity_0_is_no_duplicate_and_needs_no_entry_price) {
    NarrowPositions arrays;
    arrays.quantity[1] = 0;
    arrays.side[1] = 1;
    arrays.entry_price[1] = 0;
    CHECK(arrays.faults().empty());
}

TEST(a_symbol_id_is_below_the_number_of_symbols) {
    NarrowPositions arrays;
    arrays.symbol[2] = 2;
    check_only(arrays, Fault::symbol_id, 0, 2);
    arrays.symbol[2] = 65535;
    check_only(arrays, Fault::symbol_id, 0, 2);
}

TEST(all_faults_of_positions_come_at_once_up_to_the_limit) {
    NarrowPositions arrays;
    arrays.quantity = {not_a_number, infinity, infinity, -infinity};
    arrays.leverage[3] = 0;
    CHECK_EQ(arrays.faults().size(), 5U);
    CHECK_EQ(arrays.faults(2).size(), 2U);
    CHECK(arrays.faults(0).empty());
}
