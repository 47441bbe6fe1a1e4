#pragma once

#include "pymargin/modes/cross_classic.hpp"
#include "pymargin/modes/cross_pro.hpp"
#include "pymargin/modes/futures.hpp"
#include "pymargin/modes/portfolio.hpp"

// Each list calls the variadic macro `apply` with every mode that can be evaluated. A new mode is a
// header with its formula and a line here: layouts, instruction sets, scenario grids and exact
// decisions follow.

/// Modes over what is held and owed, asset by asset.
#define PYMARGIN_FOR_EACH_HOLDING_MODE(apply)                              \
    apply(CrossClassic<ClassicMethodology::since_2023>)                    \
        apply(CrossClassic<ClassicMethodology::since_2026_01>)             \
            apply(CrossClassic<ClassicMethodology::since_2026_06>)         \
                apply(CrossPro<Reading::gross, OrderLoss::marginal>)       \
                    apply(CrossPro<Reading::gross, OrderLoss::standalone>) \
                        apply(CrossPro<Reading::net, OrderLoss::marginal>) \
                            apply(CrossPro<Reading::net, OrderLoss::standalone>)

/// Modes over pools of positions and wallets.
#define PYMARGIN_FOR_EACH_POOL_MODE(apply) apply(Futures) apply(Portfolio)

#define PYMARGIN_FOR_EACH_MODE(apply)     \
    PYMARGIN_FOR_EACH_HOLDING_MODE(apply) \
    PYMARGIN_FOR_EACH_POOL_MODE(apply)
