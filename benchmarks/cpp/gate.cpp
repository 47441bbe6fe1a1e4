// One pass of the core over a fixed book, for counting instructions: gate CASE REPEATS.
// The book comes from a generator of its own, so that the count depends on the compiler, the
// library and the core alone. The program prints a checksum of the results.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "pymargin/evaluate_slots.hpp"
#include "pymargin/modes/all.hpp"

namespace {

using namespace pymargin;

constexpr int n_accounts = 20'000;
constexpr int n_assets = 400;

/// Small and fixed by its definition, unlike the standard distributions.
class Generator {
  public:
    std::uint32_t below(std::uint32_t limit) {
        state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
        return static_cast<std::uint32_t>(((state_ >> 33) * limit) >> 31);
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

    Book() {
        Generator random;
        for (int account = 0; account < n_accounts; ++account) {
            const std::uint32_t length = 1 + random.below(3) * random.below(3) + random.below(5);
            const std::uint32_t first = random.below(n_assets);
            for (std::uint32_t k = 0; k < length; ++k) {
                asset.push_back(static_cast<std::uint16_t>((first + 7 * k) % n_assets));
                // 1 in 64 holdings stands beyond the first tier.
                const double size = random.below(64) == 0 ? 1000.0 : 1.0;
                free.push_back(size * random.below(1'000'000) / 64.0);
                locked.push_back(random.below(8) == 0 ? random.below(1000) / 64.0 : 0.0);
                borrowed.push_back(random.below(4) == 0 ? random.below(600'000) / 64.0 : 0.0);
                interest.push_back(borrowed.back() / 1024.0);
            }
            offsets.push_back(static_cast<std::int64_t>(asset.size()));
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

/// One falling schedule of three steps and one rising one; figures invented.
struct Rules {
    std::int32_t begin[3] = {0, 3, 6};
    Step steps[6] = {{200'000, 1.0, 0},    {800'000, 0.5, 100'000}, {1e300, 0.25, 300'000},
                     {100'000, 0.0625, 0}, {400'000, 0.125, -6250}, {1e300, 0.25, -56250}};
    DecimalStep decimals[6] = {{{2, 5}, {1, 0}},    {{8, 5}, {5, -1}},   {{0, 0}, {25, -2}},
                               {{1, 5}, {625, -4}}, {{4, 5}, {125, -3}}, {{0, 0}, {25, -2}}};
    double last_caps[2] = {__builtin_inf(), __builtin_inf()};
    Decimal last_cap_decimals[2] = {{0, 0}, {0, 0}};
    ScheduleTable table{2, begin, steps, decimals, last_caps, last_cap_decimals};
};

template <class Mode>
std::uint64_t run(const Book& book, bool in_slots, int repeats) {
    const Rules rules;
    const int first_rising = Mode::counts_orders ? 1 : Mode::n_tables;
    std::vector<MarketRow<Mode::n_tables>> rows(n_assets);
    for (int asset = 0; asset < n_assets; ++asset) {
        auto& row = rows[static_cast<std::size_t>(asset)];
        row.price = 0.5 + asset % 16;
        for (int k = 0; k < Mode::n_tables; ++k) {
            const int schedule = k < first_rising ? 0 : 1;
            row.tables[k] = table_entry(rules.table, schedule);
        }
    }
    const Market<Mode::n_tables> market{&rules.table, rows.data(), nullptr, 1.0};
    const Threshold thresholds[] = {
        {1.1, {11, -1}}, {1.3, {13, -1}}, {1.5, {15, -1}}, {2.0, {2, 0}}};
    std::uint16_t actions[16];
    for (std::uint16_t bits = 0; bits < 16; ++bits) {
        actions[bits] = bits;
    }
    DecisionTable table{};
    table.n_tests = 4;
    std::memcpy(table.test_level, Mode::usual_tests, sizeof Mode::usual_tests);
    table.n_classes = 1;
    table.greatest_theta = 2.0;
    table.thresholds = thresholds;
    table.actions = actions;

    std::vector<double> first(n_accounts);
    std::vector<double> second(n_accounts);
    std::vector<std::uint16_t> found(n_accounts);
    Outputs<Mode> outputs{};
    outputs.levels[0] = first.data();
    outputs.levels[1] = second.data();
    outputs.actions = found.data();
    const SlotBook<std::uint16_t> slots(book.view(), 1);
    for (int repeat = 0; repeat < repeats; ++repeat) {
        if (in_slots) {
            evaluate_slots<Mode>(slots.view(), book.view(), market, n_assets, table, nullptr,
                                 outputs, ResultOrder::user, 1, implementation());
        } else {
            evaluate<Mode>(book.view(), market, table, outputs, 1);
        }
    }
    std::uint64_t checksum = 0;
    for (std::size_t account = 0; account < n_accounts; ++account) {
        std::uint64_t bits[2];
        std::memcpy(&bits[0], &first[account], sizeof bits[0]);
        std::memcpy(&bits[1], &second[account], sizeof bits[1]);
        checksum = (checksum ^ bits[0] ^ (bits[1] << 1) ^ found[account]) * 1099511628211ULL;
    }
    return checksum;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: gate CASE REPEATS\n");
        return 2;
    }
    const std::string name = argv[1];
    const int repeats = std::atoi(argv[2]);
    const Book book;
#define PYMARGIN_CASE(...)                                                              \
    for (const bool in_slots : {false, true}) {                                         \
        if (name == std::string(__VA_ARGS__::name) + (in_slots ? ":slots" : ":rows")) { \
            std::printf("%016llx\n", static_cast<unsigned long long>(                   \
                                         run<__VA_ARGS__>(book, in_slots, repeats)));   \
            return 0;                                                                   \
        }                                                                               \
    }
    PYMARGIN_FOR_EACH_MODE(PYMARGIN_CASE)
#undef PYMARGIN_CASE
    std::fprintf(stderr, "unknown case %s\n", argv[1]);
    return 2;
}
