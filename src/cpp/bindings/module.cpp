#include "book.hpp"
#include "pymargin/error.hpp"
#include "schedules.hpp"

namespace pymargin::bindings {
void register_evaluate(py::module_& module);
void register_limits(py::module_& module);
void register_pool_grid(py::module_& module);
void register_pools(py::module_& module);
void register_questions(py::module_& module);
void register_roots(py::module_& module);
void register_pool_roots(py::module_& module);
void register_room(py::module_& module);
}  // namespace pymargin::bindings

PYBIND11_MODULE(_core, module, pybind11::mod_gil_not_used()) {
    module.doc() = "The C++ core of pymargin.";
    pymargin::bindings::register_schedules(module);
    pymargin::bindings::register_accounts(module);
    pymargin::bindings::register_evaluate(module);
    pymargin::bindings::register_limits(module);
    pymargin::bindings::register_pools(module);
    pymargin::bindings::register_pool_grid(module);
    pymargin::bindings::register_questions(module);
    pymargin::bindings::register_roots(module);
    pymargin::bindings::register_pool_roots(module);
    pymargin::bindings::register_room(module);
}
