#pragma once

#include <string>

namespace pymargin {

/// An instruction set that the slot pass exists for. `generic` is the row-wise pass over the
/// book's own arrays, in baseline code; every other gives the same bits.
enum class Implementation { generic, avx2 };

const char* implementation_name(Implementation implementation) noexcept;

/// The one in use: the best that the processor has, or the one that the environment variable
/// PYMARGIN_FORCE_IMPLEMENTATION or force_implementation names.
/// Throws Error where the variable names none that this processor can run.
Implementation implementation();

/// Use another one from now on; the only state that the library keeps.
void force_implementation(const std::string& name);

}  // namespace pymargin
