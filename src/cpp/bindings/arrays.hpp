#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <string>

#include "pymargin/error.hpp"

namespace pymargin::bindings {

namespace py = pybind11;

[[noreturn]] inline void refuse(const char* name, const std::string& rule) {
    throw Error(std::string(name) + " must be " + rule);
}

template <class T>
bool has_dtype(const py::array& array) {
    return array.dtype().num() == py::dtype::of<T>().num();
}

/// The data of a C-contiguous array of T with `size` elements in all; -1 takes any size.
/// `py::array` checked by hand costs an eighth of what a py::array_t argument does.
template <class T>
const T* input(const py::array& array, const char* name, std::int64_t size) {
    if (!has_dtype<T>(array)) {
        refuse(name, "an array of " + std::string(py::str(py::dtype::of<T>())) + ", not " +
                         std::string(py::str(array.dtype())));
    }
    if ((array.flags() & py::array::c_style) == 0) {
        refuse(name, "C-contiguous");
    }
    if (size >= 0 && array.size() != size) {
        refuse(name, "of size " + std::to_string(size) + ", not " + std::to_string(array.size()));
    }
    return static_cast<const T*>(array.data());
}

/// The same for an array that is written; None is a null pointer.
template <class T>
T* output(const py::object& object, const char* name, std::int64_t size) {
    if (object.is_none()) {
        return nullptr;
    }
    auto array = py::reinterpret_borrow<py::array>(object);
    input<T>(array, name, size);
    if (!array.writeable()) {
        refuse(name, "writeable");
    }
    return static_cast<T*>(array.mutable_data());
}

}  // namespace pymargin::bindings
