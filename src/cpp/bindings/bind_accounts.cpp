#include <pybind11/stl.h>

#include <tuple>
#include <utility>
#include <vector>

#include "book.hpp"
#include "pymargin/validate.hpp"

namespace pymargin::bindings {
namespace {

template <class AssetId>
void check_ids(const py::array& balances, const py::array& give, const py::array& get,
               std::int64_t n_entries, std::int64_t n_orders) {
    input<AssetId>(balances, "asset_ids", n_entries);
    input<AssetId>(give, "order_give_ids", n_orders);
    input<AssetId>(get, "order_get_ids", n_orders);
}

template <class AssetId>
Balances<AssetId> balances_view(const py::array& offsets, const py::array& assets,
                                const py::array& free, const py::array& locked,
                                const py::array& borrowed, const py::array& interest) {
    const std::int64_t n = assets.size();
    return {input<std::int64_t>(offsets, "offsets", -1),
            input<AssetId>(assets, "asset_ids", n),
            input<double>(free, "free", n),
            input<double>(locked, "locked", n),
            input<double>(borrowed, "borrowed", n),
            input<double>(interest, "interest", n)};
}

using Found = std::vector<std::tuple<int, std::int64_t, std::int64_t>>;

Found as_tuples(const std::vector<FoundFault>& faults) {
    Found found;
    for (const FoundFault& fault : faults) {
        found.emplace_back(static_cast<int>(fault.fault), fault.account, fault.entry);
    }
    return found;
}

std::int64_t n_accounts_of(const py::array& offsets) {
    if (offsets.size() < 1) {
        refuse("offsets", "of size at least 1");
    }
    return offsets.size() - 1;
}

/// Calls `run` with a value of the type of the ids.
template <class Run>
Found by_id_type(const py::array& ids, const Run& run) {
    return has_dtype<std::uint16_t>(ids) ? run(std::uint16_t{}) : run(std::uint32_t{});
}

Found balance_faults(const py::array& offsets, const py::array& assets, const py::array& free,
                     const py::array& locked, const py::array& borrowed, const py::array& interest,
                     std::int64_t n_assets, std::size_t max_problems) {
    const std::int64_t n_accounts = n_accounts_of(offsets);
    const std::int64_t n_entries = assets.size();
    return by_id_type(assets, [&](auto id) {
        const auto balances =
            balances_view<decltype(id)>(offsets, assets, free, locked, borrowed, interest);
        const py::gil_scoped_release release;
        return as_tuples(check_balances(balances, n_accounts, n_entries, n_assets, max_problems));
    });
}

Found wallet_faults(const py::array& offsets, const py::array& assets, const py::array& balance,
                    std::int64_t n_assets, std::size_t max_problems) {
    const std::int64_t n_accounts = n_accounts_of(offsets);
    const std::int64_t n = assets.size();
    return by_id_type(assets, [&](auto id) {
        using AssetId = decltype(id);
        const Wallets<AssetId> wallets{input<std::int64_t>(offsets, "offsets", -1),
                                       input<AssetId>(assets, "asset_ids", n),
                                       input<double>(balance, "balance", n)};
        const py::gil_scoped_release release;
        return as_tuples(check_wallets(wallets, n_accounts, n, n_assets, max_problems));
    });
}

Found position_faults(const py::array& offsets, const py::array& symbols, const py::array& quantity,
                      const py::array& entry_price, const py::array& leverage,
                      const py::array& side, const py::array& isolated_margin,
                      std::int64_t n_symbols, std::size_t max_problems) {
    const std::int64_t n_accounts = n_accounts_of(offsets);
    const std::int64_t n = symbols.size();
    return by_id_type(symbols, [&](auto id) {
        using SymbolId = decltype(id);
        const Positions<SymbolId> positions{input<std::int64_t>(offsets, "offsets", -1),
                                            input<SymbolId>(symbols, "symbol_ids", n),
                                            input<double>(quantity, "quantity", n),
                                            input<double>(entry_price, "entry_price", n),
                                            input<double>(leverage, "leverage", n),
                                            input<std::int8_t>(side, "side", n),
                                            input<double>(isolated_margin, "isolated_margin", n)};
        const py::gil_scoped_release release;
        return as_tuples(check_positions(positions, n_accounts, n, n_symbols, max_problems));
    });
}

std::pair<py::array, py::array> holders(const Book& book, std::int64_t n_assets) {
    py::array_t<std::int64_t> held(n_assets);
    py::array_t<std::int64_t> owed(n_assets);
    std::int64_t* const held_counts = held.mutable_data();
    std::int64_t* const owed_counts = owed.mutable_data();
    for (std::int64_t asset = 0; asset < n_assets; ++asset) {
        held_counts[asset] = owed_counts[asset] = 0;
    }
    book.visit([&](const auto& accounts) {
        count_holders(accounts.balances, accounts.n_accounts, held_counts, owed_counts);
    });
    return {std::move(held), std::move(owed)};
}

py::array slot_accounts(const Book& book) {
    if (!book.is_prepared()) {
        refuse("book", "prepared");
    }
    py::array_t<std::int64_t> accounts(book.n_accounts());
    std::int64_t* const out = accounts.mutable_data();
    book.visit_slots([&](const auto& slots, const auto&) {
        for (std::int64_t slot = 0; slot < slots.n_accounts; ++slot) {
            out[slot] = slots.account_of(slot);
        }
    });
    return std::move(accounts);
}

}  // namespace

Book::Book(py::array offsets, py::array assets, py::array free, py::array locked,
           py::array borrowed, py::array interest, py::array order_offsets, py::array give_assets,
           py::array get_assets, py::array give_quantity, py::array get_quantity,
           py::array open_order_loss)
    : n_accounts_(offsets.size() - 1),
      offsets_(std::move(offsets)),
      assets_(std::move(assets)),
      free_(std::move(free)),
      locked_(std::move(locked)),
      borrowed_(std::move(borrowed)),
      interest_(std::move(interest)),
      order_offsets_(std::move(order_offsets)),
      give_assets_(std::move(give_assets)),
      get_assets_(std::move(get_assets)),
      give_quantity_(std::move(give_quantity)),
      get_quantity_(std::move(get_quantity)),
      open_order_loss_(std::move(open_order_loss)) {
    const std::int64_t n_entries = assets_.size();
    const std::int64_t n_orders = give_assets_.size();
    input<std::int64_t>(offsets_, "offsets", n_accounts_ + 1);
    input<double>(free_, "free", n_entries);
    input<double>(locked_, "locked", n_entries);
    input<double>(borrowed_, "borrowed", n_entries);
    input<double>(interest_, "interest", n_entries);
    input<std::int64_t>(order_offsets_, "order_offsets", n_accounts_ + 1);
    input<double>(give_quantity_, "order_give_quantity", n_orders);
    input<double>(get_quantity_, "order_get_quantity", n_orders);
    input<double>(open_order_loss_, "open_order_loss", n_accounts_);
    is_narrow_ = has_dtype<std::uint16_t>(assets_);
    if (is_narrow_) {
        check_ids<std::uint16_t>(assets_, give_assets_, get_assets_, n_entries, n_orders);
    } else {
        check_ids<std::uint32_t>(assets_, give_assets_, get_assets_, n_entries, n_orders);
    }
}

void Book::prepare(int threads) {
    if (is_prepared()) {
        return;
    }
    const py::gil_scoped_release release;
    if (has_dtype<std::uint16_t>(assets_)) {
        narrow_slots_ = std::make_unique<SlotBook<std::uint16_t>>(view<std::uint16_t>(), threads);
    } else {
        wide_slots_ = std::make_unique<SlotBook<std::uint32_t>>(view<std::uint32_t>(), threads);
    }
}

std::size_t Book::slot_bytes() const noexcept {
    if (narrow_slots_ != nullptr) {
        return narrow_slots_->size_bytes();
    }
    return wide_slots_ != nullptr ? wide_slots_->size_bytes() : 0;
}

void register_accounts(py::module_& module) {
    module.def("check_balances", &balance_faults, py::arg("offsets"), py::arg("asset_ids"),
               py::arg("free"), py::arg("locked"), py::arg("borrowed"), py::arg("interest"),
               py::arg("n_assets"), py::arg("max_problems"),
               "Return (code, account, entry) of each fault: 1-4 a bad free, locked, borrowed or "
               "interest, 5 an asset twice, 6 bad offsets, 7 an asset id out of range.");
    module.def("check_wallets", &wallet_faults, py::arg("offsets"), py::arg("asset_ids"),
               py::arg("balance"), py::arg("n_assets"), py::arg("max_problems"),
               "Return (code, account, entry) of each fault: 6 and 7 as of balances, 8 a bad "
               "balance, 9 an asset twice.");
    module.def("check_positions", &position_faults, py::arg("offsets"), py::arg("symbol_ids"),
               py::arg("quantity"), py::arg("entry_price"), py::arg("leverage"), py::arg("side"),
               py::arg("isolated_margin"), py::arg("n_symbols"), py::arg("max_problems"),
               "Return (code, account, entry) of each fault: 6 bad offsets, 10-14 a bad quantity, "
               "entry price, leverage, side or isolated margin, 15 a quantity against its side, "
               "16 a symbol and side twice, 17 a symbol in both modes, 18 a symbol id out of "
               "range.");
    py::class_<Book>(module, "Book", "CSR arrays of a book, int64 offsets and uint16/32 asset ids.")
        .def(py::init<py::array, py::array, py::array, py::array, py::array, py::array, py::array,
                      py::array, py::array, py::array, py::array, py::array>(),
             py::arg("offsets"), py::arg("asset_ids"), py::arg("free"), py::arg("locked"),
             py::arg("borrowed"), py::arg("interest"), py::arg("order_offsets"),
             py::arg("order_give_ids"), py::arg("order_get_ids"), py::arg("order_give_quantity"),
             py::arg("order_get_quantity"), py::arg("open_order_loss"),
             "Keep the arrays of a checked book; float64 quantities are not copied.")
        .def_property_readonly("n_accounts", &Book::n_accounts, "Number of accounts.")
        .def("prepare", &Book::prepare, py::arg("threads"),
             "Lay the book out for the vector pass; the second call does nothing.")
        .def_property_readonly("is_prepared", &Book::is_prepared, "Whether `prepare` was called.")
        .def_property_readonly("slot_bytes", &Book::slot_bytes, "Bytes that `prepare` took.")
        .def("slot_accounts", &slot_accounts,
             "Return int64[n]: the account in each slot of a prepared book.")
        .def("holders", &holders, py::arg("n_assets"),
             "Return int64[n_assets] pairs: accounts that hold each asset, and that owe it.");
}

}  // namespace pymargin::bindings
