#include <algorithm>
#include <cstdint>
#include <vector>

#include "check.hpp"
#include "pymargin/slots.hpp"
#include "results.hpp"

namespace {

using namespace pymargin;
using namespace pymargin::test;

constexpr int n_accounts = 2 * static_cast<int>(slot_window) + 1'001;

bool owes(const Account& account) {
    return std::any_of(account.entries.begin(), account.entries.end(),
                       [](const Entry& entry) { return entry.borrowed + entry.interest > 0; });
}

/// A drawn book of three windows, the last of them cut short, and its slots.
struct LaidOut {
    explicit LaidOut(int threads = 1) : world(71, n_accounts), book(world.book.view(), threads) {
    }

    const Account& account(std::int64_t slot) const {
        return world.accounts[static_cast<std::size_t>(book.view().account_of(slot))];
    }

    World world;
    SlotBook<std::uint16_t> book;
};

}  // namespace

TEST(every_account_has_one_slot_in_its_window) {
    const LaidOut laid_out;
    const auto slots = laid_out.book.view();
    std::vector<int> times(n_accounts);
    for (std::int64_t slot = 0; slot < n_accounts; ++slot) {
        const std::int64_t account = slots.account_of(slot);
        CHECK_EQ(account / slot_window, slot / slot_window);
        ++times[static_cast<std::size_t>(account)];
    }
    CHECK(std::all_of(times.begin(), times.end(), [](int n) { return n == 1; }));
}

TEST(entries_keep_their_order_and_padding_is_nothing) {
    const LaidOut laid_out;
    const auto slots = laid_out.book.view();
    for (std::int64_t slot = 0; slot < slots.n_slices() * lanes; ++slot) {
        const std::int64_t slice = slot / lanes;
        const std::int64_t width = slots.slice_begin[slice + 1] - slots.slice_begin[slice];
        const std::vector<Entry> entries =
            slot < n_accounts ? laid_out.account(slot).entries : std::vector<Entry>{};
        CHECK(static_cast<std::int64_t>(entries.size()) <= width);
        CHECK(width <= slots.longest);
        for (std::int64_t j = 0; j < width; ++j) {
            const auto at = lanes * (slots.slice_begin[slice] + j) + slot % lanes;
            const auto k = static_cast<std::size_t>(j);
            const Entry entry = k < entries.size() ? entries[k] : Entry{0, 0, 0, 0, 0};
            CHECK_EQ(static_cast<int>(slots.asset[at]), entry.asset);
            CHECK_EQ(slots.owned[at], entry.free + entry.locked);
            CHECK_EQ(slots.owed[at], entry.borrowed + entry.interest);
        }
    }
}

TEST(a_slice_owes_where_one_of_its_accounts_does_and_those_come_first) {
    const LaidOut laid_out;
    const auto slots = laid_out.book.view();
    int n_owing = 0;
    for (std::int64_t slice = 0; slice < slots.n_slices(); ++slice) {
        bool expected = false;
        for (std::int64_t slot = slice * lanes;
             slot < std::min<std::int64_t>(n_accounts, (slice + 1) * lanes); ++slot) {
            expected = expected || owes(laid_out.account(slot));
        }
        CHECK_EQ(slots.owes[slice] != 0, expected);
        n_owing += expected ? 1 : 0;
        const bool begins_window = slice * lanes % slot_window == 0;
        CHECK(begins_window || slots.owes[slice] <= slots.owes[slice - 1]);
    }
    CHECK(0 < n_owing && n_owing < slots.n_slices());
}

TEST(accounts_of_one_length_stand_together) {
    const LaidOut laid_out;
    for (std::int64_t slot = 1; slot < n_accounts; ++slot) {
        const Account& before = laid_out.account(slot - 1);
        const Account& account = laid_out.account(slot);
        if (slot % slot_window == 0 || owes(before) != owes(account)) {
            continue;
        }
        CHECK(owes(account) ? before.entries.size() >= account.entries.size()
                            : before.entries.size() <= account.entries.size());
    }
}

TEST(threads_do_not_change_the_layout) {
    const LaidOut one;
    const LaidOut three(3);
    const auto left = one.book.view();
    const auto right = three.book.view();
    const auto n_entries = left.slice_begin[left.n_slices()] * lanes;
    CHECK(std::equal(left.slice_begin, left.slice_begin + left.n_slices() + 1, right.slice_begin));
    CHECK(std::equal(left.place, left.place + n_accounts, right.place));
    CHECK(std::equal(left.owes, left.owes + left.n_slices(), right.owes));
    CHECK(std::equal(left.asset, left.asset + n_entries, right.asset));
    CHECK(std::equal(left.owned, left.owned + n_entries, right.owned));
    CHECK(std::equal(left.owed, left.owed + n_entries, right.owed));
}
