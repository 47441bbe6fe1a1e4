#pragma once

#include "pymargin/modes/cross_classic.hpp"
#include "pymargin/modes/cross_pro.hpp"

/// Calls the variadic macro `apply` with every mode that can be evaluated. A new mode is a header
/// with its formula and a line here: layouts, instruction sets, exact decisions and grids follow.
#define PYMARGIN_FOR_EACH_MODE(apply)                                      \
    apply(CrossClassic<ClassicMethodology::since_2023>)                    \
        apply(CrossClassic<ClassicMethodology::since_2026_01>)             \
            apply(CrossClassic<ClassicMethodology::since_2026_06>)         \
                apply(CrossPro<Reading::gross, OrderLoss::marginal>)       \
                    apply(CrossPro<Reading::gross, OrderLoss::standalone>) \
                        apply(CrossPro<Reading::net, OrderLoss::marginal>) \
                            apply(CrossPro<Reading::net, OrderLoss::standalone>)
