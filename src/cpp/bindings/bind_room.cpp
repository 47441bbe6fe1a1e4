#include <pybind11/stl.h>

#include <string>

#include "decisions.hpp"
#include "market_rows.hpp"
#include "pool_market.hpp"
#include "pymargin/modes/all.hpp"
#include "pymargin/room.hpp"
#include "root_arrays.hpp"

namespace pymargin::bindings {
namespace {

/// What is moved, and how much of it at most.
struct RoomArrays {
    Movement movement;
    const double* most;
    double* room;
};

template <class Mode>
void run(const Call& call, const RoomArrays& arrays, int threads) {
    const MarketRows<Mode::n_tables> rows(call.schedules, call.price, call.schedule_ids, call.gaps);
    const DecisionTable refused = call.decision_table();
    const std::int64_t n = call.book.n_accounts();
    const std::int64_t n_rows = call.price.size();
    const py::gil_scoped_release release;
    Movement movement = arrays.movement;
    movement.tables = tables_asked<Mode>(refused);
    const Question question(movement, Reach{}, rows.market(), n_rows, Mode::n_held_tables, refused,
                            true);
    call.book.visit([&](const auto& view) {
        const auto& balances = view.balances;
        const auto& orders = view.orders;
        const std::int64_t n_orders = orders.offsets[n];
        const WideIds assets(balances.asset, balances.offsets[n]);
        const WideIds gives(orders.give_asset, n_orders);
        const WideIds gets(orders.get_asset, n_orders);
        const AccountArrays<std::uint32_t> accounts{
            n,
            {balances.offsets, assets.data(), balances.free, balances.locked, balances.borrowed,
             balances.interest},
            {orders.offsets, gives.data(), gets.data(), orders.give_quantity, orders.get_quantity},
            view.open_order_loss};
        find_rooms(
            n,
            [&](std::int64_t account) {
                return AccountSubject<Mode, std::uint32_t>(accounts, rows.market(), question,
                                                           account);
            },
            question, arrays.most, arrays.room, threads);
    });
}

struct RoomKernel {
    const char* name;
    void (*run)(const Call&, const RoomArrays&, int);
};

#define PYMARGIN_KERNEL(...) RoomKernel{__VA_ARGS__::name, &run<__VA_ARGS__>},
constexpr RoomKernel kernels[] = {PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_KERNEL)};
#undef PYMARGIN_KERNEL

/// The pools of a book by 32-bit rows, so that what looks for rooms exists once a mode.
template <class Take>
void with_wide_pools(const PoolsOfBook& book, const Take& take) {
    book.visit([&](const auto& view) {
        const WideIds rows(view.row, view.offsets[view.n_accounts]);
        take(Pools<std::uint32_t>{view.n_accounts, view.offsets, rows.data(), view.x, view.y,
                                  view.z, view.gaps, view.open_order_loss, view.book, view.account,
                                  view.first_pool, view.keys});
    });
}

Withdrawal withdrawal_named(const std::string& name) {
    if (name != "maintenance" && name != "initial") {
        refuse("withdrawal", "maintenance or initial");
    }
    return name == "initial" ? Withdrawal::leaves_initial : Withdrawal::leaves_maintenance;
}

void run_pools(const std::string& kernel, const PoolsOfBook& book, const PoolMarket& market,
               const DecisionTable& refused, Withdrawal withdrawal, const std::int64_t* subjects,
               std::int64_t n, const RoomArrays& arrays, int threads) {
    const py::gil_scoped_release release;
    const Question question(arrays.movement, Reach{}, market.market(), book.n_rows(), 1, refused,
                            true);
    with_wide_pools(book, [&](const Pools<std::uint32_t>& pools) {
        const auto find = [&](const auto& subject_of) {
            find_rooms(n, subject_of, question, arrays.most, arrays.room, threads);
        };
        if (kernel == Portfolio::name) {
            find([&](std::int64_t k) {
                return WithdrawalSubject<std::uint32_t>(pools, market.market(), question,
                                                        withdrawal, subjects[k]);
            });
        } else {
            find([&](std::int64_t k) {
                const std::int64_t pool = subjects[k];
                return PoolSubject<Futures, std::uint32_t>(pools, market.market(), question, pool,
                                                           pool + 1, pool + 1);
            });
        }
    });
}

}  // namespace

void register_room(py::module_& module) {
    module.def(
        "rooms",
        [](const std::string& kernel, const Book& book, const Schedules& schedules,
           const py::array& price, const py::array& schedule_ids, const py::object& gaps,
           const Decisions& refused, const py::object& class_of, std::int64_t asset, double held,
           double owed, const py::array& most, const py::object& out, int threads) {
            if (asset < 0 || asset >= price.size()) {
                refuse("asset", "a row of the prices");
            }
            const py::none none;
            const Call call{book, schedules, price, schedule_ids, gaps, refused, class_of, none};
            RoomArrays arrays{};
            arrays.movement.row = asset;
            arrays.movement.held = held;
            arrays.movement.owed = owed;
            arrays.most = input<double>(most, "most", book.n_accounts());
            arrays.room = output<double>(out, "out", book.n_accounts());
            for (const RoomKernel& one : kernels) {
                if (kernel == one.name) {
                    one.run(call, arrays, threads);
                    return;
                }
            }
            throw Error("no kernel is named '" + kernel + "'");
        },
        py::arg("kernel"), py::arg("book"), py::arg("schedules"), py::arg("price"),
        py::arg("schedule_ids"), py::arg("gaps"), py::arg("refused"), py::arg("class_of"),
        py::arg("asset"), py::arg("held"), py::arg("owed"), py::arg("most"), py::arg("out"),
        py::arg("threads"),
        "Fill float64[n]: the largest x up to most[n] up to which x times `held` more held and "
        "`owed` more owed of an asset are not refused; NaN where an account cannot be valued.");
    module.def(
        "pool_rooms",
        [](const std::string& kernel, const PoolsOfBook& book, const PoolMarket& market,
           const Decisions& refused, const py::object& class_of, const std::string& withdrawal,
           const py::array& subjects, std::int64_t row, const py::array& most,
           const py::object& out, int threads) {
            if (row < 0 || row >= book.n_rows()) {
                refuse("row", "a row of the market");
            }
            const std::int64_t n = subjects.size();
            const auto* const pools = input<std::int64_t>(subjects, "subjects", n);
            for (std::int64_t k = 0; k < n; ++k) {
                if (pools[k] < 0 || pools[k] >= book.n_pools()) {
                    refuse("subjects", "pools of the book");
                }
            }
            const auto* const classes =
                class_of.is_none()
                    ? nullptr
                    : input<std::uint32_t>(py::reinterpret_borrow<py::array>(class_of), "class_of",
                                           book.n_pools());
            RoomArrays arrays{};
            arrays.movement.row = row;
            arrays.movement.held = -1;
            arrays.most = input<double>(most, "most", n);
            arrays.room = output<double>(out, "out", n);
            run_pools(kernel, book, market, refused.table(classes), withdrawal_named(withdrawal),
                      pools, n, arrays, threads);
        },
        py::arg("kernel"), py::arg("pools"), py::arg("market"), py::arg("refused"),
        py::arg("class_of"), py::arg("withdrawal"), py::arg("subjects"), py::arg("row"),
        py::arg("most"), py::arg("out"), py::arg("threads"),
        "Fill float64[k]: how much of an asset's row may leave each of k pools.");
    module.def(
        "largest_loans",
        [](const PoolsOfBook& book, const PoolMarket& market, const std::string& withdrawal,
           const py::array& leverage, double price, const py::object& out, int threads) {
            const std::int64_t n = book.n_pools();
            const auto* const leverages = input<std::uint8_t>(leverage, "leverage", n);
            auto* const loans = output<double>(out, "out", n);
            if (!(price > 0)) {
                refuse("price", "above 0");
            }
            const Withdrawal leaves = withdrawal_named(withdrawal);
            const py::gil_scoped_release release;
            book.visit([&](const auto& pools) {
                parallel_for(n, thread_count(threads), [&](std::int64_t begin, std::int64_t end) {
                    for (std::int64_t pool = begin; pool < end; ++pool) {
                        loans[pool] = largest_loan(pools, market.market(), leaves, leverages[pool],
                                                   price, pool);
                    }
                });
            });
        },
        py::arg("pools"), py::arg("market"), py::arg("withdrawal"), py::arg("leverage"),
        py::arg("price"), py::arg("out"), py::arg("threads"),
        "Fill float64[n]: the largest loan of an asset that portfolio margin offers each account, "
        "in units; leverage uint8[n] of the loan.");
}

}  // namespace pymargin::bindings
