#pragma once

#include <cstdint>
#include <memory>

#include "arrays.hpp"
#include "pymargin/accounts.hpp"
#include "pymargin/slots.hpp"

namespace pymargin::bindings {

/// The arrays of a book, kept alive, and the views that the core reads.
class Book {
  public:
    Book(py::array offsets, py::array assets, py::array free, py::array locked, py::array borrowed,
         py::array interest, py::array order_offsets, py::array give_assets, py::array get_assets,
         py::array give_quantity, py::array get_quantity, py::array open_order_loss);

    std::int64_t n_accounts() const noexcept {
        return n_accounts_;
    }

    /// Lays the book out in slots, once.
    void prepare(int threads);

    bool is_prepared() const noexcept {
        return narrow_slots_ != nullptr || wide_slots_ != nullptr;
    }

    /// Calls visit(Slots<AssetId>, AccountArrays<AssetId>); the book is prepared.
    template <class Visit>
    decltype(auto) visit_slots(Visit&& visit) const {
        return narrow_slots_ != nullptr ? visit(narrow_slots_->view(), view<std::uint16_t>())
                                        : visit(wide_slots_->view(), view<std::uint32_t>());
    }

    std::size_t slot_bytes() const noexcept;

    /// Calls visit(AccountArrays<AssetId>) with the id type that the book has.
    template <class Visit>
    decltype(auto) visit(Visit&& visit) const {
        return is_narrow_ ? visit(view<std::uint16_t>()) : visit(view<std::uint32_t>());
    }

  private:
    template <class AssetId>
    AccountArrays<AssetId> view() const noexcept;

    std::int64_t n_accounts_;
    bool is_narrow_ = false;  ///< asked for without the GIL, where no array may be
    py::array offsets_, assets_, free_, locked_, borrowed_, interest_;
    py::array order_offsets_, give_assets_, get_assets_, give_quantity_, get_quantity_;
    py::array open_order_loss_;
    std::unique_ptr<SlotBook<std::uint16_t>> narrow_slots_;
    std::unique_ptr<SlotBook<std::uint32_t>> wide_slots_;
};

template <class AssetId>
AccountArrays<AssetId> Book::view() const noexcept {
    const auto ids = [](const py::array& array) {
        return static_cast<const AssetId*>(array.data());
    };
    const auto numbers = [](const py::array& array) {
        return static_cast<const double*>(array.data());
    };
    const auto offsets = [](const py::array& array) {
        return static_cast<const std::int64_t*>(array.data());
    };
    return {n_accounts_,
            {offsets(offsets_), ids(assets_), numbers(free_), numbers(locked_), numbers(borrowed_),
             numbers(interest_)},
            {offsets(order_offsets_), ids(give_assets_), ids(get_assets_), numbers(give_quantity_),
             numbers(get_quantity_)},
            numbers(open_order_loss_)};
}

void register_accounts(py::module_& module);

}  // namespace pymargin::bindings
