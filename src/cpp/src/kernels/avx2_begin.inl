// Begins a region that is compiled for AVX2; avx2_end.inl ends it. A region, not a -m flag on the
// file: what the headers above define stays baseline code.

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2")
#endif

// Inside the region: the formulas are always inlined, and take on its instruction set.
#include "pymargin/modes/all.hpp"
