#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "grid_arrays.hpp"
#include "pool_book.hpp"
#include "pool_market.hpp"
#include "pymargin/modes/all.hpp"

namespace pymargin::bindings {
namespace {

struct GridCall {
    const PoolsOfBook& book;
    const PoolMarket& market;
    const DecisionTable& table;
    int n_lines;
    int liquidation_test;
    const PoolScenarios& scenarios;
};

template <class Mode>
void run(const GridCall& call, const GridArrays& arrays, int threads) {
    const auto outputs = arrays.take<Mode>(call.book.book().n_accounts, call.scenarios.n);
    const Implementation chosen = implementation();
    // No Python object is touched while the core runs.
    const py::gil_scoped_release release;
    call.book.visit([&](const auto& pools) {
        evaluate_pool_grid<Mode>(pools, call.market.market(), call.book.n_rows(), call.scenarios,
                                 call.table, call.n_lines, call.liquidation_test, outputs, threads,
                                 chosen);
    });
}

struct Kernel {
    const char* name;
    void (*run)(const GridCall&, const GridArrays&, int);
};

#define PYMARGIN_KERNEL(...) Kernel{__VA_ARGS__::name, &run<__VA_ARGS__>},
constexpr Kernel kernels[] = {PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_KERNEL)};
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

void register_pool_grid(py::module_& module) {
    module.def(
        "evaluate_pool_grid",
        [](const std::string& kernel, const PoolsOfBook& book, const PoolMarket& market,
           const Decisions& decisions, int n_lines, const py::object& class_of,
           const py::array& prices, const py::array& weights, const py::array& units,
           int liquidation_test, const std::vector<py::object>& levels, const py::object& actions,
           const py::object& worst_level, const py::object& worst_scenario,
           const py::object& action_counts, const py::object& shortfall, int threads) {
            const std::int64_t n_assets = book.book().n_assets;
            if (prices.ndim() != 2 || prices.shape(0) < 1) {
                refuse("prices", "of two dimensions, with at least one scenario");
            }
            const std::int64_t m = prices.shape(0);
            const PoolScenarios scenarios{m, input<double>(prices, "prices", m * book.n_rows()),
                                          input<double>(weights, "weights", m * 2 * n_assets),
                                          input<double>(units, "units", m * (n_assets + 1))};
            const auto* const classes =
                class_of.is_none()
                    ? nullptr
                    : input<std::uint32_t>(py::reinterpret_borrow<py::array>(class_of), "class_of",
                                           book.book().n_accounts);
            const DecisionTable table = decisions.table(classes);
            if (n_lines < 0 || n_lines > table.n_tests) {
                refuse("n_lines", "from 0 to " + std::to_string(table.n_tests));
            }
            const GridArrays arrays{levels,         actions,       worst_level,
                                    worst_scenario, action_counts, shortfall};
            find_kernel(kernel).run({book, market, table, n_lines, liquidation_test, scenarios},
                                    arrays, threads);
        },
        py::arg("kernel"), py::arg("pools"), py::arg("market"), py::arg("decisions"),
        py::arg("n_lines"), py::arg("class_of"), py::arg("prices"), py::arg("weights"),
        py::arg("units"), py::arg("liquidation_test"), py::arg("levels"), py::arg("actions"),
        py::arg("worst_level"), py::arg("worst_scenario"), py::arg("action_counts"),
        py::arg("shortfall"), py::arg("threads"),
        "Evaluate n accounts of pools under m scenarios: float64[m, r] prices of the r instruments "
        "as given, float64[m, 2 a] weights of assets, float64[m, a + 1] USDT of a unit of each "
        "asset and of one USD; results as of `evaluate_grid`.");
}

}  // namespace pymargin::bindings
