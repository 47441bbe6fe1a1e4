// What an account costs that float64 does not settle: ns of processor time, best of some rounds.
//   exact          every kind of mode, quantities as exchanges state them and of 17 digits
//   exact ROUNDS   the same with so many rounds (default 15)
// Five balances an account. A threshold without bound makes the error bound infinite, so that every
// account is decided by integers, as one on a threshold is. Beside it the pass in float64 alone.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iterator>
#include <vector>

#include "pymargin/evaluate.hpp"
#include "pymargin/fine_line.hpp"
#include "pymargin/modes/all.hpp"

namespace {

using namespace pymargin;

constexpr std::int64_t n_accounts = 4'000;
constexpr std::int64_t n_balances = 5;
constexpr std::size_t n_assets = 40;

/// Small and fixed by its definition, unlike the standard distributions.
class Generator {
  public:
    std::uint64_t below(std::uint64_t limit) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return (state_ >> 16) % limit;
    }
    /// Worth up to 10,000 USDT: to 8 places, or (`is_long`) of up to 17 digits.
    double quantity(double price, bool is_long) {
        const double drawn = static_cast<double>(below(1'000'000'000'000)) / 1e8 / price;
        return is_long ? drawn : std::nearbyint(drawn * 1e8) / 1e8;
    }

  private:
    std::uint64_t state_ = 42;
};

struct Book {
    std::vector<std::int64_t> offsets{0};
    std::vector<std::uint16_t> asset;
    std::vector<double> free, locked, borrowed, interest;
    std::vector<std::int64_t> order_offsets = std::vector<std::int64_t>(n_accounts + 1, 0);
    std::vector<double> open_order_loss = std::vector<double>(n_accounts, 0.0);

    Book(const std::vector<double>& prices, bool is_long) {
        Generator random;
        for (std::int64_t entry = 0; entry < n_accounts * n_balances; ++entry) {
            const auto which = static_cast<std::uint16_t>((entry * 7) % std::int64_t{n_assets});
            const double price = prices[which];
            const bool is_owed = random.below(3) == 0;
            asset.push_back(which);
            // 1 in 64 holdings stands beyond the first tier.
            free.push_back((random.below(64) == 0 ? 64 : 1) * random.quantity(price, is_long));
            locked.push_back(random.below(8) == 0 ? random.quantity(price, is_long) : 0.0);
            borrowed.push_back(is_owed ? random.quantity(price, is_long) : 0.0);
            interest.push_back(is_owed ? random.quantity(price * 4096, is_long) : 0.0);
        }
        for (std::int64_t account = 1; account <= n_accounts; ++account) {
            offsets.push_back(account * n_balances);
        }
    }

    AccountArrays<std::uint16_t> view() const {
        return {n_accounts,
                {offsets.data(), asset.data(), free.data(), locked.data(), borrowed.data(),
                 interest.data()},
                {order_offsets.data(), nullptr, nullptr, nullptr, nullptr},
                open_order_loss.data()};
    }
};

/// Prices of 1e-5 to 1e5 with six digits: 12.3457.
std::vector<double> make_prices() {
    Generator random;
    std::vector<double> prices{1.0};
    while (prices.size() < n_assets) {
        char text[32];
        const auto exponent = static_cast<int>(random.below(10)) - 5;
        std::snprintf(text, sizeof text, "%de%d", static_cast<int>(random.below(900'000)) + 100'000,
                      exponent - 5);
        prices.push_back(std::strtod(text, nullptr));
    }
    return prices;
}

/// One falling schedule of three steps and one rising one; figures invented.
struct Rules {
    std::int32_t begin[3] = {0, 3, 6};
    Step steps[6] = {{200'000, 0.95, 0},  {800'000, 0.9, 10'000},  {1e300, 0.85, 50'000},
                     {100'000, 0.025, 0}, {400'000, 0.05, -2'500}, {1e300, 0.1, -22'500}};
    DecimalStep decimals[6] = {{{2, 5}, {95, -2}}, {{8, 5}, {9, -1}}, {{0, 0}, {85, -2}},
                               {{1, 5}, {25, -3}}, {{4, 5}, {5, -2}}, {{0, 0}, {1, -1}}};
    double last_caps[2] = {__builtin_inf(), __builtin_inf()};
    Decimal last_cap_decimals[2] = {{0, 0}, {0, 0}};
    std::vector<FineStep> fine =
        fine_steps({std::begin(begin), std::end(begin)}, {std::begin(steps), std::end(steps)},
                   {std::begin(decimals), std::end(decimals)});
    ScheduleTable table{2, begin, steps, decimals, last_caps, last_cap_decimals, fine.data()};
};

double processor_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Nanoseconds an account, and the actions found.
template <class Mode>
double time_pass(const Book& book, const Market<Mode::n_tables>& market, double greatest_theta,
                 int rounds, std::vector<std::uint16_t>& actions) {
    const Threshold thresholds[4] = {
        {1.1, {11, -1}}, {1.3, {13, -1}}, {1.5, {15, -1}}, {2.0, {2, 0}}};
    std::uint16_t actions_of_bits[16];
    for (std::uint16_t bits = 0; bits < 16; ++bits) {
        actions_of_bits[bits] = bits;
    }
    DecisionTable table{};
    table.n_tests = 4;
    std::memcpy(table.test_level, Mode::usual_tests, sizeof Mode::usual_tests);
    table.n_classes = 1;
    table.greatest_theta = greatest_theta;
    table.thresholds = thresholds;
    table.actions = actions_of_bits;
    Outputs<Mode> outputs{};
    std::vector<double> levels(n_accounts);
    outputs.levels[0] = levels.data();
    outputs.actions = actions.data();
    double best = HUGE_VAL;
    for (int round = 0; round < rounds; ++round) {
        const double start = processor_seconds();
        evaluate<Mode>(book.view(), market, table, outputs, 1);
        best = std::fmin(best, processor_seconds() - start);
    }
    return 1e9 * best / n_accounts;
}

/// One line of figures; false if the two passes differ.
template <class Mode>
bool report(const std::vector<double>& prices, bool is_long, int rounds) {
    const Book book(prices, is_long);
    const Rules rules;
    std::vector<MarketRow<Mode::n_tables>> rows(n_assets);
    const int first_rising = Mode::counts_orders ? 1 : Mode::n_tables;
    for (std::size_t asset = 0; asset < n_assets; ++asset) {
        rows[asset].price = prices[asset];
        for (int table = 0; table < Mode::n_tables; ++table) {
            rows[asset].tables[table] = table_entry(rules.table, table < first_rising ? 0 : 1);
        }
    }
    const Market<Mode::n_tables> market{&rules.table, rows.data(), nullptr, 1.0};
    std::vector<std::uint16_t> expected(n_accounts);
    std::vector<std::uint16_t> actions(n_accounts);
    const double in_float64 = time_pass<Mode>(book, market, 2.0, rounds, expected);
    const double exact = time_pass<Mode>(book, market, HUGE_VAL, rounds, actions);
    std::printf("%-28s %-10s %8.0f %8.0f\n", Mode::name, is_long ? "17 digits" : "8 places", exact,
                in_float64);
    return actions == expected;
}

}  // namespace

int main(int argc, char** argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
    const std::vector<double> prices = make_prices();
    std::printf("ns an account of %d balances                  exact  float64\n",
                static_cast<int>(n_balances));
    bool right = true;
    for (const bool is_long : {false, true}) {
#define PYMARGIN_REPORT(...) right = report<__VA_ARGS__>(prices, is_long, rounds) && right;
        PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_REPORT)
#undef PYMARGIN_REPORT
    }
    if (!right) {
        std::fprintf(stderr, "exact and float64 passes differ\n");
    }
    return right ? 0 : 1;
}
