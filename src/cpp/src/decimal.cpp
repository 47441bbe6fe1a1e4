#include "pymargin/decimal.hpp"

#include <charconv>
#include <cstring>

namespace pymargin {
namespace {

__extension__ typedef unsigned __int128 Wide;

constexpr std::uint64_t power_of_five[] = {
    1ULL,
    5ULL,
    25ULL,
    125ULL,
    625ULL,
    3125ULL,
    15625ULL,
    78125ULL,
    390625ULL,
    1953125ULL,
    9765625ULL,
    48828125ULL,
    244140625ULL,
    1220703125ULL,
    6103515625ULL,
    30517578125ULL,
    152587890625ULL,
    762939453125ULL,
    3814697265625ULL,
    19073486328125ULL,
    95367431640625ULL,
    476837158203125ULL,
    2384185791015625ULL,
    11920928955078125ULL,
    59604644775390625ULL,
    298023223876953125ULL,
    1490116119384765625ULL,
    7450580596923828125ULL,
};

constexpr int fraction_bits = 52;

/// The numbers that are read by integers alone: of 2^-37 to 2^53, whose last bit is worth 2^least
/// to 1.
constexpr int least_exponent = -89;

/// How many decimal places are no finer than 2^exponent, but by less than ten: the least k with
/// 10^k * 2^exponent >= 1, for exponents from least_exponent to 0. 78913 / 2^18 is log10(2).
constexpr int places_of(int exponent) {
    return exponent == 0 ? 0 : (-exponent * 78913 >> 18) + 1;
}
static_assert(places_of(least_exponent) ==
              static_cast<int>(sizeof power_of_five / sizeof power_of_five[0]) - 1);

template <int digits>
void strip(std::uint64_t& coefficient, int& exponent) noexcept {
    if (coefficient % power_of_ten[digits] == 0) {
        coefficient /= power_of_ten[digits];
        exponent += digits;
    }
}

/// Takes the zeros, at most 15, off the end of a coefficient > 0 below 10^16.
Decimal without_zeros(std::uint64_t coefficient, int exponent) noexcept {
    strip<8>(coefficient, exponent);
    strip<4>(coefficient, exponent);
    strip<2>(coefficient, exponent);
    strip<1>(coefficient, exponent);
    return {static_cast<std::int64_t>(coefficient), exponent};
}

/// The shortest decimal of mantissa * 2^exponent in integers; false where its rules must be asked.
///
/// In units of 10^-k the float is v / 2^shift, and what reads back as it lies between low / 2^shift
/// and high / 2^shift, less than ten units apart. A multiple of ten in there is the only one, so no
/// decimal is shorter; if there is none, all integers in there are as long as each other and the
/// nearest one counts. Wherever one of them falls on an end, or two are as near, or there is none
/// (below a power of two the room is half), std::to_chars decides.
bool read_in_integers(std::uint64_t mantissa, int exponent, Decimal* decimal) noexcept {
    const int places = places_of(exponent);
    const int shift = 2 - exponent - places;
    const std::uint64_t scale = power_of_five[places];
    const Wide v = Wide{4 * mantissa} * scale;
    const bool is_power_of_two = mantissa == std::uint64_t{1} << fraction_bits;
    const Wide low = v - (is_power_of_two ? scale : 2 * Wide{scale});
    const Wide high = v + 2 * Wide{scale};

    const auto whole = static_cast<std::uint64_t>(v >> shift);
    const std::uint64_t tens = whole / 10;
    const Wide below = Wide{10 * tens} << shift;
    const Wide above = Wide{10 * tens + 10} << shift;
    if (below == low || above == high) {
        return false;
    }
    if (below > low || above < high) {
        *decimal = without_zeros(below > low ? tens : tens + 1, 1 - places);
        return true;
    }
    const Wide half = Wide{1} << (shift - 1);
    const Wide rest = v - (Wide{whole} << shift);
    const std::uint64_t nearest = whole + (rest > half ? 1 : 0);
    const Wide scaled = Wide{nearest} << shift;
    *decimal = {static_cast<std::int64_t>(nearest), -places};
    return rest != half && scaled > low && scaled < high;
}

/// The same for any number > 0, from text.
Decimal read_from_text(double value) noexcept {
    char text[32];
    const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
    std::int64_t coefficient = 0;
    std::int32_t fraction_digits = 0;
    bool in_fraction = false;
    const char* at = text;
    for (; *at != 'e'; ++at) {
        if (*at == '.') {
            in_fraction = true;
            continue;
        }
        coefficient = coefficient * 10 + (*at - '0');
        fraction_digits += in_fraction ? 1 : 0;
    }
    ++at;
    // from_chars takes no plus sign.
    at += *at == '+' ? 1 : 0;
    std::int32_t exponent = 0;
    std::from_chars(at, end.ptr, exponent);
    return {coefficient, exponent - fraction_digits};
}

}  // namespace

Decimal shortest_decimal(double value) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    const bool is_negative = bits >> 63 != 0;
    const std::uint64_t magnitude = bits << 1;
    if (magnitude == 0) {
        return {0, 0};
    }
    constexpr std::uint64_t hidden_bit = std::uint64_t{1} << fraction_bits;
    const std::uint64_t mantissa = (bits & (hidden_bit - 1)) | hidden_bit;
    const int exponent = static_cast<int>(magnitude >> (fraction_bits + 1)) - 1023 - fraction_bits;
    Decimal decimal{};
    if (exponent < least_exponent || exponent > 0 ||
        !read_in_integers(mantissa, exponent, &decimal)) {
        decimal = read_from_text(is_negative ? -value : value);
    }
    if (is_negative) {
        decimal.coefficient = -decimal.coefficient;
    }
    return decimal;
}

}  // namespace pymargin
