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

template <class AssetId>
Found found_in(const Balances<AssetId>& balances, std::int64_t n_accounts, std::int64_t n_entries,
               std::int64_t n_assets, std::size_t limit) {
    Found found;
    for (const FoundFault& fault :
         check_balances(balances, n_accounts, n_entries, n_assets, limit)) {
        found.emplace_back(static_cast<int>(fault.fault), fault.account, fault.entry);
    }
    return found;
}

Found check(const py::array& offsets, const py::array& assets, const py::array& free,
            const py::array& locked, const py::array& borrowed, const py::array& interest,
            std::int64_t n_assets, std::size_t max_problems) {
    const auto run = [&](auto id) {
        using AssetId = decltype(id);
        const auto balances =
            balances_view<AssetId>(offsets, assets, free, locked, borrowed, interest);
        const std::int64_t n_accounts = offsets.size() - 1;
        const std::int64_t n_entries = assets.size();
        const py::gil_scoped_release release;
        return found_in(balances, n_accounts, n_entries, n_assets, max_problems);
    };
    if (offsets.size() < 1) {
        refuse("offsets", "of size at least 1");
    }
    return has_dtype<std::uint16_t>(assets) ? run(std::uint16_t{}) : run(std::uint32_t{});
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
    if (has_dtype<std::uint16_t>(assets_)) {
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
    module.def("check_balances", &check, py::arg("offsets"), py::arg("asset_ids"), py::arg("free"),
               py::arg("locked"), py::arg("borrowed"), py::arg("interest"), py::arg("n_assets"),
               py::arg("max_problems"),
               "Return (code, account, entry) of each fault: 1-4 a bad free, locked, borrowed or "
               "interest, 5 an asset twice, 6 bad offsets, 7 an asset id out of range.");
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
