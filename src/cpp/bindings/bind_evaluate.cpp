#include <pybind11/stl.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "grid_arrays.hpp"
#include "market_rows.hpp"
#include "pymargin/evaluate.hpp"
#include "pymargin/evaluate_slots.hpp"
#include "pymargin/grid.hpp"
#include "pymargin/modes/all.hpp"
#include "schedules.hpp"

namespace pymargin::bindings {
namespace {

template <class Mode>
void run(const Call& call, const std::vector<py::object>& levels,
         const std::vector<py::object>& totals, const py::object& actions, ResultOrder order,
         int threads) {
    const MarketRows<Mode::n_tables> rows(call.schedules, call.price, call.schedule_ids, call.gaps);
    const DecisionTable table = call.decision_table();
    const std::uint32_t* const slot_class_of = call.classes(call.slot_class_of, "slot_class_of");
    const std::int64_t n_assets = call.price.size();
    const Implementation chosen = implementation();
    const bool takes_slots = call.book.is_prepared() &&
                             (order == ResultOrder::slot || chosen != Implementation::generic);
    Outputs<Mode> outputs{};
    const std::int64_t n = call.book.n_accounts();
    take_outputs(outputs.levels, levels, "levels", n);
    take_outputs(outputs.totals, totals, "totals", n);
    outputs.actions = output<std::uint16_t>(actions, "actions", n);
    // No Python object is touched while the core runs.
    const py::gil_scoped_release release;
    if (takes_slots) {
        call.book.visit_slots([&](const auto& slots, const auto& accounts) {
            evaluate_slots<Mode>(slots, accounts, rows.market(), n_assets, table, slot_class_of,
                                 outputs, order, threads, chosen);
        });
    } else {
        call.book.visit([&](const auto& accounts) {
            evaluate_rows<Mode>(accounts, rows.market(), n_assets, table, outputs, threads, chosen);
        });
    }
}

template <class Mode>
void run_grid(const Call& call, const py::array& prices, int liquidation_test,
              const GridArrays& arrays, int threads) {
    const MarketRows<Mode::n_tables> rows(call.schedules, call.price, call.schedule_ids, call.gaps);
    const DecisionTable table = call.decision_table();
    const std::int64_t n_assets = call.price.size();
    if (prices.ndim() != 2 || prices.shape(1) != n_assets || prices.shape(0) < 1) {
        refuse("prices", "of shape (at least 1, " + std::to_string(n_assets) + ")");
    }
    const std::int64_t n_scenarios = prices.shape(0);
    const auto* const price = input<double>(prices, "prices", n_scenarios * n_assets);
    const auto outputs = arrays.take<Mode>(call.book.n_accounts(), n_scenarios);
    const Implementation chosen = implementation();
    const py::gil_scoped_release release;
    call.book.visit([&](const auto& accounts) {
        evaluate_grid<Mode>(accounts, rows.market(), n_assets, price, n_scenarios, table,
                            liquidation_test, outputs, threads, chosen);
    });
}

py::object to_int(const Exact& value) {
    std::string text = value.sign() < 0 ? "-0x" : "0x";
    static constexpr char digits[] = "0123456789abcdef";
    for (int limb = value.size() - 1; limb >= 0; --limb) {
        for (int shift = 60; shift >= 0; shift -= 4) {
            text += digits[(value.limbs()[limb] >> shift) & 15];
        }
    }
    text += value.size() == 0 ? "0" : "";
    return py::reinterpret_steal<py::object>(PyLong_FromString(text.c_str(), nullptr, 16));
}

template <class Mode>
py::tuple run_exact(const Call& call, std::int64_t account, int level) {
    const MarketRows<Mode::n_tables> rows(call.schedules, call.price, call.schedule_ids, call.gaps);
    Notes notes;
    const Ratio<Exact> ratio = call.book.visit([&](const auto& accounts) {
        return Mode::level(sum_row<Mode, Exact>(accounts, rows.market(), account, notes), level);
    });
    return py::make_tuple(to_int(ratio.numerator), ratio.numerator.exponent(),
                          to_int(ratio.denominator), ratio.denominator.exponent());
}

struct Kernel {
    const char* name;
    void (*run)(const Call&, const std::vector<py::object>&, const std::vector<py::object>&,
                const py::object&, ResultOrder, int);
    py::tuple (*run_exact)(const Call&, std::int64_t, int);
    void (*run_grid)(const Call&, const py::array&, int, const GridArrays&, int);
};

#define PYMARGIN_KERNEL(...) \
    Kernel{__VA_ARGS__::name, &run<__VA_ARGS__>, &run_exact<__VA_ARGS__>, &run_grid<__VA_ARGS__>},
constexpr Kernel kernels[] = {PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_KERNEL)};
#undef PYMARGIN_KERNEL

const Kernel& find_kernel(const std::string& name) {
    for (const Kernel& kernel : kernels) {
        if (name == kernel.name) {
            return kernel;
        }
    }
    throw Error("no kernel is named '" + name + "'");
}

}  // namespace

void register_evaluate(py::module_& module) {
    py::class_<Decisions>(module, "Decisions", "Threshold lines of a mode, compiled.")
        .def(py::init<const py::array&, const py::array&, const py::array&, const py::array&>(),
             py::arg("test_levels"), py::arg("thresholds"), py::arg("threshold_decimals"),
             py::arg("actions"),
             "Take int32[t] level numbers, float64[c, t] thresholds by class, their int64[c, t, 2] "
             "decimals and uint16[2**t] actions by test bits.");
    module.def(
        "evaluate",
        [](const std::string& kernel, const Book& book, const Schedules& schedules,
           const py::array& price, const py::array& schedule_ids, const py::object& gaps,
           const Decisions& decisions, const py::object& class_of, const py::object& slot_class_of,
           const std::vector<py::object>& levels, const std::vector<py::object>& totals,
           const py::object& actions, bool in_slot_order, int threads) {
            if (in_slot_order && !book.is_prepared()) {
                refuse("book", "prepared for results in slot order");
            }
            const Call call{book, schedules, price,    schedule_ids,
                            gaps, decisions, class_of, slot_class_of};
            find_kernel(kernel).run(call, levels, totals, actions,
                                    in_slot_order ? ResultOrder::slot : ResultOrder::user, threads);
        },
        py::arg("kernel"), py::arg("book"), py::arg("schedules"), py::arg("price"),
        py::arg("schedule_ids"), py::arg("gaps"), py::arg("decisions"), py::arg("class_of"),
        py::arg("slot_class_of"), py::arg("levels"), py::arg("totals"), py::arg("actions"),
        py::arg("in_slot_order"), py::arg("threads"),
        "Evaluate a book of n accounts into float64[n] levels and totals and uint16[n] actions "
        "(None: not wanted); price float64[a] USDT, schedule_ids int32[tables, a], gaps "
        "uint16[a].");
    module.def(
        "evaluate_grid",
        [](const std::string& kernel, const Book& book, const Schedules& schedules,
           const py::array& price, const py::array& schedule_ids, const py::object& gaps,
           const Decisions& decisions, const py::object& class_of, const py::array& prices,
           int liquidation_test, const std::vector<py::object>& levels, const py::object& actions,
           const py::object& worst_level, const py::object& worst_scenario,
           const py::object& action_counts, const py::object& shortfall, int threads) {
            const py::none none;
            const Call call{book, schedules, price, schedule_ids, gaps, decisions, class_of, none};
            const GridArrays arrays{levels,         actions,       worst_level,
                                    worst_scenario, action_counts, shortfall};
            find_kernel(kernel).run_grid(call, prices, liquidation_test, arrays, threads);
        },
        py::arg("kernel"), py::arg("book"), py::arg("schedules"), py::arg("price"),
        py::arg("schedule_ids"), py::arg("gaps"), py::arg("decisions"), py::arg("class_of"),
        py::arg("prices"), py::arg("liquidation_test"), py::arg("levels"), py::arg("actions"),
        py::arg("worst_level"), py::arg("worst_scenario"), py::arg("action_counts"),
        py::arg("shortfall"), py::arg("threads"),
        "Evaluate n accounts under m price vectors, prices float64[m, a], into float64[n, m] "
        "levels, uint16[n, m] actions, float64[n] and int32[n] worst, int64[m, 16] counts per "
        "action flag and float64[m] shortfall (None: not wanted, and not computed).");
    module.def(
        "implementation", [] { return implementation_name(implementation()); },
        "Return the name of the instruction set in use: 'generic' or 'avx2'.");
    module.def("force_implementation", &force_implementation, py::arg("name"),
               "Use another instruction set from now on; its results have the same bits.");
    module.def(
        "exact_level",
        [](const std::string& kernel, const Book& book, const Schedules& schedules,
           const py::array& price, const py::array& schedule_ids, const Decisions& decisions,
           std::int64_t account, int level) {
            if (account < 0 || account >= book.n_accounts()) {
                refuse("account", "from 0 to " + std::to_string(book.n_accounts() - 1) + ", not " +
                                      std::to_string(account));
            }
            const py::none none;
            const Call call{book, schedules, price, schedule_ids, none, decisions, none, none};
            return find_kernel(kernel).run_exact(call, account, level);
        },
        py::arg("kernel"), py::arg("book"), py::arg("schedules"), py::arg("price"),
        py::arg("schedule_ids"), py::arg("decisions"), py::arg("account"), py::arg("level"),
        "Return (n, i, d, j): one account's level is exactly (n * 10**i) / (d * 10**j).");
}

}  // namespace pymargin::bindings
