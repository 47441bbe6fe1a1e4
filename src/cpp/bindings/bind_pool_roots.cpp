#include <pybind11/stl.h>

#include <string>

#include "decisions.hpp"
#include "pool_book.hpp"
#include "pool_market.hpp"
#include "pymargin/modes/all.hpp"
#include "pymargin/subjects.hpp"
#include "root_arrays.hpp"

namespace pymargin::bindings {
namespace {

/// Which pools a question is put to: n ranges of them, and up to where their exposure counts.
struct PoolRanges {
    std::int64_t n;
    const std::int64_t* first;
    const std::int64_t* last;
    const std::int64_t* last_exposed;
};

PoolRanges take_ranges(const py::array& first, const py::array& last, const py::array& last_exposed,
                       std::int64_t n_pools) {
    PoolRanges ranges{};
    ranges.n = first.size();
    ranges.first = input<std::int64_t>(first, "first", ranges.n);
    ranges.last = input<std::int64_t>(last, "last", ranges.n);
    ranges.last_exposed = input<std::int64_t>(last_exposed, "last_exposed", ranges.n);
    for (std::int64_t k = 0; k < ranges.n; ++k) {
        if (ranges.first[k] < 0 || ranges.last[k] < ranges.first[k] ||
            ranges.last_exposed[k] < ranges.last[k] || ranges.last_exposed[k] > n_pools) {
            refuse("first, last and last_exposed", "rising, and at most the number of pools");
        }
    }
    return ranges;
}

/// Whether nothing moves but inverse contracts, all in proportion.
bool moves_inverse_only(const Movement& movement, const Market<1>& market, std::int64_t n_rows) {
    bool moves = false;
    for (std::int64_t row = 0; row < n_rows; ++row) {
        const auto at = static_cast<std::size_t>(row);
        const double weight = movement.weight_of(at);
        if (weight != 0) {
            if (weight != movement.scale || !(market.terms[at].contract_size > 0)) {
                return false;
            }
            moves = true;
        }
    }
    return moves;
}

template <class Mode>
Solved run(const PoolsOfBook& book, const PoolMarket& market, const DecisionTable& due,
           const QuestionArrays& arrays, const PoolRanges& ranges, int threads) {
    Movement movement = arrays.movement(book.n_rows());
    movement.is_inverse =
        movement.base > 0 && moves_inverse_only(movement, market.market(), book.n_rows());
    const RootArrays out = arrays.take(ranges.n);
    const py::gil_scoped_release release;
    const Question question(movement, arrays.given_reach(), market.market(), book.n_rows(), 1, due,
                            arrays.is_exact);
    return book.visit([&](const auto& view) {
        const WideIds rows(view.row, view.offsets[view.n_accounts]);
        const Pools<std::uint32_t> pools{
            view.n_accounts, view.offsets, rows.data(),     view.x,
            view.y,          view.z,       view.gaps,       view.open_order_loss,
            view.book,       view.account, view.first_pool, view.keys};
        Effort effort;
        const std::int64_t unsolvable = find_roots(
            ranges.n,
            [&](std::int64_t k) {
                return PoolSubject<Mode, std::uint32_t>(pools, market.market(), question,
                                                        ranges.first[k], ranges.last[k],
                                                        ranges.last_exposed[k]);
            },
            question, out, threads, &effort);
        return Solved(unsolvable, effort.passes, effort.walks);
    });
}

struct PoolRootKernel {
    const char* name;
    Solved (*run)(const PoolsOfBook&, const PoolMarket&, const DecisionTable&,
                  const QuestionArrays&, const PoolRanges&, int);
};

#define PYMARGIN_KERNEL(...) PoolRootKernel{__VA_ARGS__::name, &run<__VA_ARGS__>},
constexpr PoolRootKernel kernels[] = {PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_KERNEL)};
#undef PYMARGIN_KERNEL

const PoolRootKernel& find_kernel(const std::string& name) {
    for (const PoolRootKernel& kernel : kernels) {
        if (name == kernel.name) {
            return kernel;
        }
    }
    throw Error("no kernel is named '" + name + "'");
}

}  // namespace

void register_pool_roots(py::module_& module) {
    module.def(
        "pool_roots",
        [](const std::string& kernel, const PoolsOfBook& book, const PoolMarket& market,
           const Decisions& due, const py::object& class_of, const py::array& first,
           const py::array& last, const py::array& last_exposed, const py::array& weights,
           double base, double scale, const std::optional<std::pair<double, double>>& reach,
           bool exact, const py::object& below, const py::object& above, const py::object& reason,
           const py::object& unpriced, int threads) {
            const auto* const classes =
                class_of.is_none()
                    ? nullptr
                    : input<std::uint32_t>(py::reinterpret_borrow<py::array>(class_of), "class_of",
                                           book.n_pools());
            const DecisionTable table = due.table(classes);
            const QuestionArrays arrays{weights, base,  scale,  reach,   exact,
                                        below,   above, reason, unpriced};
            return find_kernel(kernel).run(book, market, table, arrays,
                                           take_ranges(first, last, last_exposed, book.n_pools()),
                                           threads);
        },
        py::arg("kernel"), py::arg("pools"), py::arg("market"), py::arg("due"), py::arg("class_of"),
        py::arg("first"), py::arg("last"), py::arg("last_exposed"), py::arg("weights"),
        py::arg("base"), py::arg("scale"), py::arg("reach"), py::arg("exact"), py::arg("below"),
        py::arg("above"), py::arg("reason"), py::arg("unpriced"), py::arg("threads"),
        "The same of n ranges of pools first to last, each due where one of its pools is; what "
        "pools up to last_exposed lack makes it unpriced.");
}

}  // namespace pymargin::bindings
