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
