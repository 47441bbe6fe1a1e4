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
};

constexpr int fraction_bits = 52;

constexpr std::uint64_t hidden_bit = std::uint64_t{1} << fraction_bits;

/// The numbers that are read by integers alone are those of 2^-30 to 2^53: their last bit is worth
/// 2^least_exponent to 1, and ten units of read_in_integers fit 64 bits.
constexpr int least_exponent = -82;

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
/// In units of 10^-places the number is v / 2^shift, and what reads back as it is less than
/// room_below / 2^shift below it or room_above / 2^shift above, which is less than ten units in
/// all. A multiple of ten in there is the only one, so no decimal is shorter; if there is none, all
/// integers in there are as long as each other and the nearest counts. Wherever one falls on an
/// end, two are as near, or there is none (below a power of two there is half the room),
/// std::to_chars decides.
bool read_in_integers(std::uint64_t mantissa, int exponent, Decimal* decimal) noexcept {
    const int places = places_of(exponent);
    const int shift = 2 - exponent - places;
    const std::uint64_t unit = std::uint64_t{1} << shift;
    const std::uint64_t scale = power_of_five[places];
    const Wide v = Wide{4 * mantissa} * scale;
    const std::uint64_t room_above = 2 * scale;
    const std::uint64_t room_below = mantissa == hidden_bit ? scale : 2 * scale;

    const auto whole = static_cast<std::uint64_t>(v >> shift);
    const std::uint64_t rest = static_cast<std::uint64_t>(v) & (unit - 1);
    const std::uint64_t tens = whole / 10;
    const std::uint64_t over = (whole - 10 * tens) * unit + rest;
    const std::uint64_t short_of = 10 * unit - over;
    if (over == room_below || short_of == room_above) {
        return false;
    }
    if (over < room_below || short_of < room_above) {
        *decimal = without_zeros(over < room_below ? tens : tens + 1, 1 - places);
        return true;
    }
    const bool is_up = 2 * rest > unit;
    *decimal = {static_cast<std::int64_t>(whole + (is_up ? 1 : 0)), -places};
    return 2 * rest != unit && (is_up ? unit - rest < room_above : rest < room_below);
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

Decimal detail::shortest_decimal_of_any(double value) noexcept {
    std::uint64_t bits = 0;
    std::memcpy(&bits, &value, sizeof bits);
    const bool is_negative = bits >> 63 != 0;
    const std::uint64_t magnitude = bits << 1;
    if (magnitude == 0) {
        return {0, 0};
    }
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
