#include "pymargin/fine_line.hpp"

namespace pymargin {

std::vector<FineStep> fine_steps(const std::vector<std::int32_t>& begin,
                                 const std::vector<Step>& steps,
                                 const std::vector<DecimalStep>& decimals) {
    std::vector<FineStep> fine(steps.size());
    for (std::size_t schedule = 0; schedule + 1 < begin.size(); ++schedule) {
        FineLine offset;
        const auto end = static_cast<std::size_t>(begin[schedule + 1]);
        for (auto k = static_cast<std::size_t>(begin[schedule]); k < end; ++k) {
            fine[k] = {FineLine(decimals[k].rate), offset};
            if (k + 1 < end) {
                offset += FineLine(decimals[k].cap) *
                          (FineLine(decimals[k].rate) - FineLine(decimals[k + 1].rate));
            }
        }
    }
    return fine;
}

}  // namespace pymargin
