// The plain C++ loop: rows of balances in the user's order, tiers as slices, as a textbook has it.
// Nothing is laid out for speed and nothing is vectorised by hand; -O3, one thread.

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

struct Tier {
    double floor;
    double cap;
    double rate;
};

struct Schedule {
    std::vector<Tier> tiers;
    double last_cap;
};

struct Table {
    std::vector<Schedule> schedules;
    const std::int64_t* of_asset;

    const Schedule& of(std::uint16_t asset) const {
        return schedules[static_cast<std::size_t>(of_asset[asset])];
    }
};

// Each tier's rate on the slice of the value that falls into it.
double sliced(const Schedule& schedule, double value) {
    double sum = 0;
    for (const Tier& tier : schedule.tiers) {
        if (value <= tier.floor) {
            break;
        }
        sum += (std::min(value, tier.cap) - tier.floor) * tier.rate;
    }
    return sum;
}

constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

extern "C" {

struct Rows {
    std::int64_t n_accounts;
    const std::int64_t* offsets;
    const std::uint16_t* asset;
    const double* free;
    const double* locked;
    const double* borrowed;
    const double* interest;
    const std::int64_t* leverage_class;
};

struct Results {
    double* margin_level;
    double* second_level;
    std::uint16_t* actions;
};

Table* make_table(std::int64_t n_schedules, std::int64_t width, const std::int64_t* counts,
                  const double* caps, const double* rates, const double* last_caps,
                  const std::int64_t* of_asset) {
    Table* const table = new Table{{}, of_asset};
    for (std::int64_t s = 0; s < n_schedules; ++s) {
        Schedule schedule{{}, last_caps[s]};
        double floor = 0;
        for (std::int64_t k = 0; k < counts[s]; ++k) {
            schedule.tiers.push_back({floor, caps[s * width + k], rates[s * width + k]});
            floor = caps[s * width + k];
        }
        table->schedules.push_back(schedule);
    }
    return table;
}

void drop_table(Table* table) {
    delete table;
}

void classic(const Rows* rows, const Table* collateral, const double* price,
             const double* thresholds, const Results* results) {
    for (std::int64_t account = 0; account < rows->n_accounts; ++account) {
        double total = 0;
        double liability = 0;
        double value_as_collateral = 0;
        for (std::int64_t k = rows->offsets[account]; k < rows->offsets[account + 1]; ++k) {
            const std::uint16_t asset = rows->asset[k];
            const double value = (rows->free[k] + rows->locked[k]) * price[asset];
            total += value;
            liability += (rows->borrowed[k] + rows->interest[k]) * price[asset];
            value_as_collateral += sliced(collateral->of(asset), value);
        }
        const double level = liability > 0 ? total / liability : infinity;
        const double second = liability > 0 ? value_as_collateral / liability : infinity;
        const double* const limit = thresholds + 4 * rows->leverage_class[account];
        int actions = 1;
        if (level <= limit[0]) {
            actions = 16;
        } else if (level <= limit[1]) {
            actions = 9;
        } else {
            actions += second > limit[2] ? 2 : 0;
            actions += second > limit[3] ? 4 : 0;
        }
        results->margin_level[account] = level;
        results->second_level[account] = second;
        results->actions[account] = static_cast<std::uint16_t>(actions);
    }
}

void pro(const Rows* rows, const Table* collateral, const Table* maintenance, const Table* initial,
         const double* price, const double* thresholds, const double* open_order_loss,
         const Results* results) {
    for (std::int64_t account = 0; account < rows->n_accounts; ++account) {
        double equity = 0;
        double liability = 0;
        double maintenance_margin = 0;
        double initial_margin = 0;
        bool is_beyond = false;
        for (std::int64_t k = rows->offsets[account]; k < rows->offsets[account + 1]; ++k) {
            const std::uint16_t asset = rows->asset[k];
            const double debt = (rows->borrowed[k] + rows->interest[k]) * price[asset];
            equity += sliced(collateral->of(asset),
                             (rows->free[k] + rows->locked[k]) * price[asset]);
            liability += debt;
            maintenance_margin += sliced(maintenance->of(asset), debt);
            initial_margin += sliced(initial->of(asset), debt);
            is_beyond |= debt > maintenance->of(asset).last_cap;
        }
        equity = equity - liability - open_order_loss[account];
        const double level = maintenance_margin > 0 ? equity / maintenance_margin
                             : equity < 0           ? -infinity
                                                    : infinity;
        const double available = equity - initial_margin;
        int actions = 1;
        if (level <= thresholds[0]) {
            actions = 16;
        } else if (level <= thresholds[1]) {
            actions = 9;
        } else {
            actions += available > 0 ? 2 : 0;
            actions += level > thresholds[2] ? 4 : 0;
        }
        results->margin_level[account] = level;
        results->second_level[account] = std::max(available, 0.0);
        results->actions[account] = static_cast<std::uint16_t>(actions | (is_beyond ? 1024 : 0));
    }
}
}
