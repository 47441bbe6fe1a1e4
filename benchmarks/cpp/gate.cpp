// Passes of the core over a fixed book, for counting instructions.
//   gate               every case: one pass to warm up, then one in pymargin_gate_pass, which is
//                      what gate.py has callgrind count; prints how it was built, then the cases
//   gate CASE REPEATS  one case by itself, so often
// The book comes from a generator of its own, so that a count depends on the compiler, the library
// and the core alone. Results are held against those of the row-wise pass.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#ifdef __GLIBC__
#include <gnu/libc-version.h>
#endif

#include "pool_cases.hpp"
#include "pymargin/evaluate_slots.hpp"
#include "pymargin/fine_line.hpp"
#include "pymargin/grid.hpp"
#include "pymargin/modes/all.hpp"

namespace {

using namespace pymargin;

constexpr int n_accounts = 20'000;
constexpr int n_assets = 400;
constexpr int n_grid_accounts = 1'000;
constexpr int n_scenarios = 24;

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

    AccountArrays<std::uint16_t> view(int accounts = n_accounts) const {
        return {accounts,
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
    std::vector<FineStep> fine =
        fine_steps({std::begin(begin), std::end(begin)}, {std::begin(steps), std::end(steps)},
                   {std::begin(decimals), std::end(decimals)});
    ScheduleTable table{2, begin, steps, decimals, last_caps, last_cap_decimals, fine.data()};
};

/// Everything that a case of one mode reads and writes.
template <class Mode>
class Cases {
  public:
    explicit Cases(const Book& book)
        : book_(book), slots_(book.view(), 1), rows_(n_assets), prices_(n_scenarios * n_assets) {
        const int first_rising = Mode::counts_orders ? 1 : Mode::n_tables;
        for (std::size_t asset = 0; asset < n_assets; ++asset) {
            rows_[asset].price = 0.5 + static_cast<double>(asset % 16);
            for (int table = 0; table < Mode::n_tables; ++table) {
                rows_[asset].tables[table] =
                    table_entry(rules_.table, table < first_rising ? 0 : 1);
            }
            // The first scenario is the market as it is.
            for (std::size_t k = 0; k < n_scenarios; ++k) {
                prices_[k * n_assets + asset] =
                    rows_[asset].price * (1 - static_cast<double>(k) / 64);
            }
        }
        market_ = {&rules_.table, rows_.data(), nullptr, 1.0};
        for (std::uint16_t bits = 0; bits < 16; ++bits) {
            actions_of_bits_[bits] = bits;
        }
        table_.n_tests = 4;
        std::memcpy(table_.test_level, Mode::usual_tests, sizeof Mode::usual_tests);
        table_.n_classes = 1;
        table_.greatest_theta = 2.0;
        table_.thresholds = thresholds_;
        table_.actions = actions_of_bits_;
    }

    void run(const std::string& layout) {
        if (layout == "rows") {
            evaluate<Mode>(book_.view(), market_, table_, outputs(), 1);
        } else if (layout == "once") {
            evaluate_rows<Mode>(book_.view(), market_, n_assets, table_, outputs(), 1,
                                implementation());
        } else if (layout == "grid") {
            run_grid();
        } else {
            evaluate_slots<Mode>(
                slots_.view(), book_.view(), market_, n_assets, table_, nullptr, outputs(),
                layout == "slots" ? ResultOrder::user : ResultOrder::slot, 1, implementation());
        }
    }

    /// Whether the last pass found what the row-wise pass, which must be the first, found.
    bool is_right(const std::string& layout) {
        bool right = true;
        if (layout == "rows") {
            expected_levels_ = levels_;
            expected_actions_ = actions_;
        } else if (layout == "grid") {
            for (std::size_t account = 0; account < n_grid_accounts; ++account) {
                right &= grid_levels_[account * n_scenarios] == expected_levels_[account];
                right &= grid_actions_[account * n_scenarios] == expected_actions_[account];
            }
        } else {
            for (std::int64_t slot = 0; slot < n_accounts; ++slot) {
                const auto account = static_cast<std::size_t>(
                    layout == "slot-order" ? slots_.view().account_of(slot) : slot);
                const auto at = static_cast<std::size_t>(slot);
                right &= levels_[at] == expected_levels_[account];
                right &= levels_[at + n_accounts] == expected_levels_[account + n_accounts];
                right &= actions_[at] == expected_actions_[account];
            }
        }
        return right;
    }

    std::uint64_t checksum() const {
        std::uint64_t sum = 0;
        for (std::size_t account = 0; account < n_accounts; ++account) {
            std::uint64_t bits[2];
            std::memcpy(&bits[0], &levels_[account], sizeof bits[0]);
            std::memcpy(&bits[1], &levels_[account + n_accounts], sizeof bits[1]);
            sum = (sum ^ bits[0] ^ (bits[1] << 1) ^ actions_[account]) * 1099511628211ULL;
        }
        return sum;
    }

  private:
    Outputs<Mode> outputs() {
        Outputs<Mode> outputs{};
        outputs.levels[0] = levels_.data();
        outputs.levels[1] = levels_.data() + n_accounts;
        outputs.actions = actions_.data();
        return outputs;
    }

    void run_grid() {
        double worst_level[n_grid_accounts];
        std::int32_t worst_scenario[n_grid_accounts];
        std::int64_t counts[n_scenarios * n_action_flags];
        double shortfall[n_scenarios];
        GridOutputs<Mode> outputs{};
        outputs.levels[0] = grid_levels_.data();
        outputs.actions = grid_actions_.data();
        outputs.worst_level = worst_level;
        outputs.worst_scenario = worst_scenario;
        outputs.action_counts = counts;
        outputs.shortfall = shortfall;
        evaluate_grid<Mode>(book_.view(n_grid_accounts), market_, n_assets, prices_.data(),
                            n_scenarios, table_, 0, outputs, 1, implementation());
    }

    const Book& book_;
    const Rules rules_;
    SlotBook<std::uint16_t> slots_;
    std::vector<MarketRow<Mode::n_tables>> rows_;
    std::vector<double> prices_;
    Market<Mode::n_tables> market_{};
    const Threshold thresholds_[4] = {
        {1.1, {11, -1}}, {1.3, {13, -1}}, {1.5, {15, -1}}, {2.0, {2, 0}}};
    std::uint16_t actions_of_bits_[16];
    DecisionTable table_{};
    std::vector<double> levels_ = std::vector<double>(2 * n_accounts);
    std::vector<std::uint16_t> actions_ = std::vector<std::uint16_t>(n_accounts);
    std::vector<double> expected_levels_;
    std::vector<std::uint16_t> expected_actions_;
    std::vector<double> grid_levels_ = std::vector<double>(n_grid_accounts * n_scenarios);
    std::vector<std::uint16_t> grid_actions_ =
        std::vector<std::uint16_t>(n_grid_accounts * n_scenarios);
};

constexpr const char* layouts[] = {"rows", "once", "slots", "slot-order", "grid"};

}  // namespace

/// What callgrind counts; one dump a call.
extern "C" void pymargin_gate_pass(const std::function<void()>& pass) {
    pass();
    // Nothing that ends in a jump: callgrind has to see the return.
    asm volatile("" ::: "memory");
}

namespace {

// Called through here, so that no copy of it takes another name.
void (*volatile counted)(const std::function<void()>&) = pymargin_gate_pass;

void prepare(const Book& book) {
    const SlotBook<std::uint16_t> slots(book.view(), 1);
    static_cast<void>(slots);
}

/// Counts the passes of a mode over each layout; false if one is wrong.
template <class Mode, class AnyCases, class Layouts>
bool count_each(AnyCases& cases, const Layouts& all) {
    for (const std::string layout : all) {
        const auto pass = [&] { cases.run(layout); };
        pass();
        counted(pass);
        if (!cases.is_right(layout)) {
            std::fprintf(stderr, "%s:%s differs from the row-wise pass\n", Mode::name,
                         layout.c_str());
            return false;
        }
        std::printf("%s:%s\n", Mode::name, layout.c_str());
    }
    return true;
}

/// Runs all cases of a mode.
template <class Mode>
bool run_all(const Book& book) {
    Cases<Mode> cases(book);
    return count_each<Mode>(cases, layouts);
}

/// The same of a mode over pools.
template <class Mode>
bool run_all_pools() {
    const Rules rules;
    gate::PoolCases<Mode> cases(Generator(), rules);
    return count_each<Mode>(cases, gate::PoolCases<Mode>::layouts);
}

template <class Mode>
bool run_one(const Book& book, const std::string& name, int repeats) {
    for (const std::string layout : layouts) {
        if (name == std::string(Mode::name) + ":" + layout) {
            Cases<Mode> cases(book);
            for (int repeat = 0; repeat < repeats; ++repeat) {
                cases.run(layout);
            }
            std::printf("%016llx\n", static_cast<unsigned long long>(cases.checksum()));
            return true;
        }
    }
    return false;
}

void print_build() {
#ifdef __clang__
    std::printf("compiler clang %s\n", __clang_version__);
#else
    std::printf("compiler gcc %s\n", __VERSION__);
#endif
#ifdef __GLIBC__
    std::printf("libc glibc %s\n", gnu_get_libc_version());
#else
    std::printf("libc unknown\n");
#endif
    std::printf("implementation %s\n", implementation_name(implementation()));
}

int run_all(const Book& book) {
    print_build();
    counted([&] { prepare(book); });
    std::printf("prepare\n");
    bool right = true;
#define PYMARGIN_CASES(...) right = right && run_all<__VA_ARGS__>(book);
    PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_CASES)
#undef PYMARGIN_CASES
#define PYMARGIN_CASES(...) right = right && run_all_pools<__VA_ARGS__>();
    PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_CASES)
#undef PYMARGIN_CASES
    return right ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    const Book book;
    if (argc == 1) {
        return run_all(book);
    }
    if (argc != 3) {
        std::fprintf(stderr, "usage: gate [CASE REPEATS]\n");
        return 2;
    }
    const std::string name = argv[1];
    const int repeats = std::atoi(argv[2]);
    bool found = name == "prepare";
    for (int repeat = 0; found && repeat < repeats; ++repeat) {
        prepare(book);
    }
#define PYMARGIN_CASE(...) found = found || run_one<__VA_ARGS__>(book, name, repeats);
    PYMARGIN_FOR_EACH_HOLDING_MODE(PYMARGIN_CASE)
#undef PYMARGIN_CASE
    if (!found) {
        std::fprintf(stderr, "unknown case %s\n", argv[1]);
    }
    return found ? 0 : 2;
}
