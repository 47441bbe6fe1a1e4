#include <pybind11/stl.h>

#include <string>

#include "book.hpp"
#include "decisions.hpp"
#include "market_rows.hpp"
#include "pymargin/modes/all.hpp"
#include "pymargin/subjects.hpp"
#include "root_arrays.hpp"
#include "schedules.hpp"

namespace pymargin::bindings {
namespace {

struct RootCall {
    const Book& book;
    const Schedules& schedules;
    const py::array& price;
    const py::array& schedule_ids;
    const py::object& gaps;
    const DecisionTable& due;
    const QuestionArrays& arrays;
    int threads;
};

template <class Mode>
Solved run(const RootCall& call) {
    const MarketRows<Mode::n_tables> rows(call.schedules, call.price, call.schedule_ids, call.gaps);
    const std::int64_t n_rows = call.price.size();
    const std::int64_t n = call.book.n_accounts();
    Movement movement = call.arrays.movement(n_rows);
    movement.tables = tables_asked<Mode>(call.due);
    const RootArrays out = call.arrays.take(n);
    return call.book.visit([&](const auto& view) {
        // No Python object is touched while the core runs.
        const py::gil_scoped_release release;
        const Question question(movement, call.arrays.given_reach(), rows.market(), n_rows,
                                Mode::n_held_tables, call.due, call.arrays.is_exact);
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
        Effort effort;
        const std::int64_t unsolvable = find_roots(
            n,
            [&](std::int64_t account) {
                return AccountSubject<Mode, std::uint32_t>(accounts, rows.market(), question,
                                                           account);
            },
            question, out, call.threads, &effort);
        return Solved(unsolvable, effort.passes, effort.walks);
    });
}

struct RootKernel {
    const char* name;
    Solved (*run)(const RootCall&);
};

#define PYMARGIN_KERNEL(...) RootKernel{__VA_ARGS__::name, &run<__VA_ARGS__>},
constexpr RootKernel kernels[] = {PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_KERNEL)};
#undef PYMARGIN_KERNEL

const RootKernel& find_kernel(const std::string& name) {
    for (const RootKernel& kernel : kernels) {
        if (name == kernel.name) {
            return kernel;
        }
    }
    throw Error("no kernel is named '" + name + "'");
}

}  // namespace

void register_roots(py::module_& module) {
    module.def(
        "roots",
        [](const std::string& kernel, const Book& book, const Schedules& schedules,
           const py::array& price, const py::array& schedule_ids, const py::object& gaps,
           const Decisions& due, const py::object& class_of, const py::array& weights, double base,
           double scale, const std::optional<std::pair<double, double>>& reach, bool exact,
           const py::object& below, const py::object& above, const py::object& reason,
           const py::object& unpriced, int threads) {
            const auto* const classes =
                class_of.is_none()
                    ? nullptr
                    : input<std::uint32_t>(py::reinterpret_borrow<py::array>(class_of), "class_of",
                                           book.n_accounts());
            const DecisionTable table = due.table(classes);
            const QuestionArrays arrays{weights, base,  scale,  reach,   exact,
                                        below,   above, reason, unpriced};
            return find_kernel(kernel).run(
                {book, schedules, price, schedule_ids, gaps, table, arrays, threads});
        },
        py::arg("kernel"), py::arg("book"), py::arg("schedules"), py::arg("price"),
        py::arg("schedule_ids"), py::arg("gaps"), py::arg("due"), py::arg("class_of"),
        py::arg("weights"), py::arg("base"), py::arg("scale"), py::arg("reach"), py::arg("exact"),
        py::arg("below"), py::arg("above"), py::arg("reason"), py::arg("unpriced"),
        py::arg("threads"),
        "Fill float64[n] roots below and above, uint8[n] reasons and uint16[n] gaps of n accounts, "
        "price p moving as p * (1 + weight * (x / base - 1) / scale); return the number of one "
        "that cannot be solved, or -1, how many passes over an account float64 made, and how many "
        "accounts were walked exactly.");
}

}  // namespace pymargin::bindings
