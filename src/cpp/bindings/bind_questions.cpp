#include <pybind11/stl.h>

#include <string>

#include "market_rows.hpp"
#include "pool_market.hpp"
#include "pymargin/modes/all.hpp"
#include "pymargin/shortfall.hpp"

namespace pymargin::bindings {
namespace {

template <class Mode>
void run_shortfalls(const Call& call, const py::object& out, int threads) {
    const MarketRows<Mode::n_tables> rows(call.schedules, call.price, call.schedule_ids, call.gaps);
    const DecisionTable table = call.decision_table();
    auto* const to = output<double>(out, "out", call.book.n_accounts());
    const py::gil_scoped_release release;
    call.book.visit([&](const auto& accounts) {
        shortfalls<Mode>(accounts, rows.market(), table, to, threads);
    });
}

template <class Mode>
void run_pool_shortfalls(const PoolsOfBook& book, const PoolMarket& market,
                         const DecisionTable& table, double* out, int threads) {
    const py::gil_scoped_release release;
    book.visit(
        [&](const auto& pools) { shortfalls<Mode>(pools, market.market(), table, out, threads); });
}

struct Questions {
    const char* name;
    void (*shortfalls)(const Call&, const py::object&, int);
};
struct PoolQuestions {
    const char* name;
    void (*shortfalls)(const PoolsOfBook&, const PoolMarket&, const DecisionTable&, double*, int);
};

#define PYMARGIN_QUESTIONS(...) Questions{__VA_ARGS__::name, &run_shortfalls<__VA_ARGS__>},
constexpr Questions of_holdings[] = {PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_QUESTIONS)};
#undef PYMARGIN_QUESTIONS
#define PYMARGIN_QUESTIONS(...) PoolQuestions{__VA_ARGS__::name, &run_pool_shortfalls<__VA_ARGS__>},
constexpr PoolQuestions of_pools[] = {PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_QUESTIONS)};
#undef PYMARGIN_QUESTIONS

template <class Entry, std::size_t size>
const Entry& named(const Entry (&entries)[size], const std::string& name) {
    for (const Entry& entry : entries) {
        if (name == entry.name) {
            return entry;
        }
    }
    throw Error("no kernel is named '" + name + "'");
}

}  // namespace

void register_questions(py::module_& module) {
    module.def(
        "shortfalls",
        [](const std::string& kernel, const Book& book, const Schedules& schedules,
           const py::array& price, const py::array& schedule_ids, const py::object& gaps,
           const Decisions& decisions, const py::object& class_of, const py::object& out,
           int threads) {
            const py::none none;
            const Call call{book, schedules, price, schedule_ids, gaps, decisions, class_of, none};
            named(of_holdings, kernel).shortfalls(call, out, threads);
        },
        py::arg("kernel"), py::arg("book"), py::arg("schedules"), py::arg("price"),
        py::arg("schedule_ids"), py::arg("gaps"), py::arg("decisions"), py::arg("class_of"),
        py::arg("out"), py::arg("threads"),
        "Fill float64[n]: what each account lacks to the thresholds of `decisions`, NaN where it "
        "cannot be valued; arguments as of `evaluate`.");
    module.def(
        "pool_shortfalls",
        [](const std::string& kernel, const PoolsOfBook& book, const PoolMarket& market,
           const Decisions& decisions, const py::object& class_of, const py::object& out,
           int threads) {
            const auto* const classes =
                class_of.is_none()
                    ? nullptr
                    : input<std::uint32_t>(py::reinterpret_borrow<py::array>(class_of), "class_of",
                                           book.n_pools());
            auto* const to = output<double>(out, "out", book.n_pools());
            named(of_pools, kernel).shortfalls(book, market, decisions.table(classes), to, threads);
        },
        py::arg("kernel"), py::arg("pools"), py::arg("market"), py::arg("decisions"),
        py::arg("class_of"), py::arg("out"), py::arg("threads"),
        "Fill float64[p]: what each pool lacks to the thresholds, in the unit of its figures.");
}

}  // namespace pymargin::bindings
