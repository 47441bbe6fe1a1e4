#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "arrays.hpp"
#include "pymargin/pool_slots.hpp"
#include "pymargin/pools.hpp"

namespace pymargin::bindings {

/// The arrays of a book with wallets and positions, kept alive, and its pools.
class PoolsOfBook {
  public:
    PoolsOfBook(const std::vector<py::array>& balances, const py::array& loan_leverage,
                const std::vector<py::array>& wallets, const std::vector<py::array>& positions,
                const py::object& multi_assets, const std::vector<py::array>& contracts,
                const std::vector<std::tuple<int, std::int64_t, int>>& loan_rates,
                const py::array& open_order_loss, const std::vector<py::array>& orders,
                std::uint32_t n_assets, bool in_one);
    PoolsOfBook(const PoolsOfBook&) = delete;
    PoolsOfBook& operator=(const PoolsOfBook&) = delete;

    /// Calls visit(Pools<RowId>).
    template <class Visit>
    decltype(auto) visit(Visit&& visit) const {
        return narrow_ ? visit(narrow_->view()) : visit(wide_->view());
    }

    std::int64_t n_rows() const noexcept {
        return 2 * static_cast<std::int64_t>(book_.n_assets) + n_symbols_;
    }
    const Holdings& book() const noexcept {
        return book_;
    }
    std::int64_t n_pools() const {
        return static_cast<std::int64_t>(keys().size());
    }
    bool has_gaps() const {
        return visit([](const auto& pools) -> bool { return pools.gaps != nullptr; });
    }
    std::int64_t n_positions() const noexcept {
        return book_.positions.offsets[book_.n_accounts];
    }
    const std::vector<PoolKey>& keys() const noexcept {
        return narrow_ ? narrow_->keys() : wide_->keys();
    }

    /// Lays the pools out in slots of accounts, once; see PoolSlotBook.
    void prepare(const Market<1>* market, int threads);

    bool is_prepared() const noexcept {
        return slots_ != nullptr;
    }

    /// Calls visit(PoolSlots, Pools<RowId>); the book is prepared.
    template <class Visit>
    decltype(auto) visit_slots(Visit&& visit) const {
        return narrow_ ? visit(slots_->view(), narrow_->view())
                       : visit(slots_->view(), wide_->view());
    }

  private:
    std::vector<py::object> kept_;
    std::vector<Contract> contracts_;
    std::vector<LoanRate> loan_rates_;
    std::int64_t n_symbols_ = 0;
    Holdings book_{};
    std::optional<PoolBook<std::uint16_t>> narrow_;
    std::optional<PoolBook<std::uint32_t>> wide_;
    std::unique_ptr<PoolSlotBook> slots_;
};

}  // namespace pymargin::bindings
