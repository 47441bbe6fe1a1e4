#include "pymargin/exact128.hpp"

#include "pymargin/exact.hpp"

namespace pymargin {
namespace {

thread_local bool has_overflow = false;

}  // namespace

void Exact128::clear_overflow() noexcept {
    has_overflow = false;
}

bool Exact128::has_overflowed() noexcept {
    return has_overflow;
}

void Exact128::raise_overflow() noexcept {
    has_overflow = true;
}

double Exact128::ratio(const Exact128& numerator, const Exact128& denominator) noexcept {
    return Exact::ratio(Exact(numerator), Exact(denominator));
}

}  // namespace pymargin
