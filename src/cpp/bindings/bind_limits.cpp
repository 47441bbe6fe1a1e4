#include "book.hpp"
#include "pymargin/dispatch.hpp"
#include "pymargin/limits.hpp"

namespace pymargin::bindings {
namespace {

void require_prepared(const Book& book) {
    if (!book.is_prepared()) {
        refuse("book", "prepared");
    }
}

std::uint64_t read(const Book& book, int threads) {
    require_prepared(book);
    const Implementation chosen = implementation();
    const py::gil_scoped_release release;
    return book.visit_slots(
        [&](const auto& slots, const auto&) { return read_limit(slots, threads, chosen); });
}

std::uint64_t read_write(const Book& book, const py::object& level_a, const py::object& level_b,
                         const py::object& actions, int threads) {
    require_prepared(book);
    const std::int64_t n = book.n_accounts();
    const LimitOutputs outputs{output<double>(level_a, "level_a", n),
                               output<double>(level_b, "level_b", n),
                               output<std::uint16_t>(actions, "actions", n)};
    if (outputs.level_a == nullptr || outputs.level_b == nullptr || outputs.actions == nullptr) {
        refuse("outputs", "three arrays, not None");
    }
    const Implementation chosen = implementation();
    const py::gil_scoped_release release;
    return book.visit_slots([&](const auto& slots, const auto&) {
        return read_write_limit(slots, outputs, threads, chosen);
    });
}

}  // namespace

void register_limits(py::module_& module) {
    module.def("read_limit", &read, py::arg("book"), py::arg("threads"),
               "Read the entries of a prepared book once, at memory speed; return the sum of their "
               "64-bit words modulo 2**64.");
    module.def("read_write_limit", &read_write, py::arg("book"), py::arg("level_a"),
               py::arg("level_b"), py::arg("actions"), py::arg("threads"),
               "Do the same and fill float64[n], float64[n] and uint16[n] with figures that mean "
               "nothing: the memory traffic of an evaluation without its arithmetic.");
}

}  // namespace pymargin::bindings
