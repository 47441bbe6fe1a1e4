#include <pybind11/stl.h>

#include <cmath>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "decisions.hpp"
#include "pool_market.hpp"
#include "pymargin/evaluate.hpp"
#include "pymargin/evaluate_pool_slots.hpp"
#include "pymargin/modes/all.hpp"
#include "pymargin/pool_accounts.hpp"
#include "schedules.hpp"

namespace pymargin::bindings {
namespace {

template <class Mode>
void run(const PoolsOfBook& book, const PoolMarket& market, const DecisionTable& table,
         const std::uint32_t* slot_class_of, const std::vector<py::object>& levels,
         const std::vector<py::object>& totals, const py::object& actions, int threads) {
    Outputs<Mode> outputs{};
    const std::int64_t n = book.n_pools();
    take_outputs(outputs.levels, levels, "levels", n);
    take_outputs(outputs.totals, totals, "totals", n);
    outputs.actions = output<std::uint16_t>(actions, "actions", n);
    const Implementation chosen = implementation();
    // No Python object is touched while the core runs.
    const py::gil_scoped_release release;
    if constexpr (Mode::is_one_pool) {
        if (book.is_prepared() && chosen != Implementation::generic) {
            book.visit_slots([&](const auto& slots, const auto& pools) {
                evaluate_pool_slots<Mode>(slots, pools, market.market(), book.n_rows(), table,
                                          slot_class_of, outputs, threads, chosen);
            });
            return;
        }
    }
    book.visit([&](const auto& pools) {
        evaluate<Mode>(pools, market.market(), table, outputs, threads);
    });
}

/// What each position has by itself, in units of its settlement asset; null: not wanted.
struct PositionFields {
    double* notional;
    double* unrealized_pnl;
    double* maintenance_margin;
    double* initial_margin;
};

void evaluate_positions(const Holdings& book, const Market<1>& market,
                        const PositionFields& fields) noexcept {
    const PoolRows rows{book.n_assets};
    Notes notes;
    const auto write = [](double* field, std::int64_t at, double value) {
        if (field != nullptr) {
            field[at] = value;
        }
    };
    const std::int64_t n = book.positions.offsets[book.n_accounts];
    for (std::int64_t position = 0; position < n; ++position) {
        const std::uint32_t row = rows.symbol(book.positions.symbol[position]);
        const Leg<double> leg = leg_of<double>(book, {true, row, -1, -1, position});
        PoolSums<double> sums;
        add_leg(sums, leg, Instrument<double>(market, row, notes));
        const bool is_unpriced = market.gaps != nullptr && market.gaps[row] != 0;
        const double nan = std::numeric_limits<double>::quiet_NaN();
        const auto known = [&](double value) { return is_unpriced ? nan : value; };
        write(fields.notional, position, known(size_of(leg.x * market.rows[row].price)));
        write(fields.unrealized_pnl, position, known(sums.open_profit));
        write(fields.maintenance_margin, position, known(sums.open_maintenance));
        write(fields.initial_margin, position, known(sums.open_initial));
    }
}

py::object big_int(const Quotient::Integer& value, bool is_negative) {
    const py::bytes bytes(reinterpret_cast<const char*>(value.data()),
                          value.size() * sizeof value[0]);
    const py::object read = py::module_::import("builtins").attr("int").attr("from_bytes");
    const py::object size = read(bytes, "little");
    return is_negative ? -size : size;
}

/// A rational as (numerator, denominator, exponent of ten).
py::tuple parts(const Quotient& value) {
    return py::make_tuple(big_int(value.numerator(), value.sign() < 0),
                          big_int(value.denominator(), false), value.exponent());
}

template <class Mode>
py::tuple run_exact(const PoolsOfBook& book, const PoolMarket& market, std::int64_t pool,
                    int level) {
    Notes notes;
    const Ratio<Quotient> ratio = book.visit([&](const auto& pools) {
        return Mode::level(sum_row<Mode, Quotient>(pools, market.market(), pool, notes), level);
    });
    return py::make_tuple(parts(ratio.numerator), parts(ratio.denominator));
}

struct PoolKernel {
    const char* name;
    void (*run)(const PoolsOfBook&, const PoolMarket&, const DecisionTable&, const std::uint32_t*,
                const std::vector<py::object>&, const std::vector<py::object>&, const py::object&,
                int);
    py::tuple (*run_exact)(const PoolsOfBook&, const PoolMarket&, std::int64_t, int);
};

#define PYMARGIN_KERNEL(...) \
    PoolKernel{__VA_ARGS__::name, &run<__VA_ARGS__>, &run_exact<__VA_ARGS__>},
constexpr PoolKernel kernels[] = {PYMARGIN_FOR_EACH_POOL_MODE(PYMARGIN_KERNEL)};
#undef PYMARGIN_KERNEL

const PoolKernel& find_kernel(const std::string& name) {
    for (const PoolKernel& kernel : kernels) {
        if (name == kernel.name) {
            return kernel;
        }
    }
    throw Error("no kernel is named '" + name + "'");
}

/// Checks a CSR list: offsets from 0, never falling, ending at the entries' number.
const std::int64_t* checked_offsets(const py::array& offsets, const char* name, std::int64_t n,
                                    std::int64_t n_entries) {
    const auto* const at = input<std::int64_t>(offsets, name, n + 1);
    bool is_valid = at[0] == 0 && at[n] == n_entries;
    for (std::int64_t k = 0; k < n && is_valid; ++k) {
        is_valid = at[k] <= at[k + 1];
    }
    if (!is_valid) {
        refuse(name, "rising from 0 to " + std::to_string(n_entries));
    }
    return at;
}

const std::uint32_t* checked_ids(const py::array& ids, const char* name, std::int64_t limit) {
    const auto* const values = input<std::uint32_t>(ids, name, -1);
    for (std::int64_t k = 0; k < ids.size(); ++k) {
        if (values[k] >= limit) {
            refuse(name, "below " + std::to_string(limit));
        }
    }
    return values;
}

void check_count(const std::vector<py::array>& arrays, const char* name, std::size_t count) {
    if (arrays.size() != count) {
        refuse(name, "of length " + std::to_string(count));
    }
}

}  // namespace

PoolsOfBook::PoolsOfBook(const std::vector<py::array>& balances, const py::array& loan_leverage,
                         const std::vector<py::array>& wallets,
                         const std::vector<py::array>& positions, const py::object& multi_assets,
                         const std::vector<py::array>& contracts,
                         const std::vector<std::tuple<int, std::int64_t, int>>& loan_rates,
                         const py::array& open_order_loss, const std::vector<py::array>& orders,
                         std::uint32_t n_assets, bool in_one) {
    check_count(balances, "balances", 6);
    check_count(wallets, "wallets", 3);
    check_count(positions, "positions", 6);
    check_count(contracts, "contracts", 3);
    check_count(orders, "orders", in_one ? 5 : 0);
    for (const auto* arrays : {&balances, &wallets, &positions, &orders}) {
        kept_.insert(kept_.end(), arrays->begin(), arrays->end());
    }
    kept_.insert(kept_.end(), {loan_leverage, multi_assets, open_order_loss});
    n_symbols_ = contracts[0].size();
    const auto* const settlement = checked_ids(contracts[0], "settlement", n_assets);
    const auto* const sizes = input<double>(contracts[1], "contract_size", n_symbols_);
    const auto* const inverse = input<std::uint8_t>(contracts[2], "is_inverse", n_symbols_);
    for (std::int64_t k = 0; k < n_symbols_; ++k) {
        contracts_.push_back({settlement[k], sizes[k], inverse[k] != 0});
    }
    for (const auto& [leverage, coefficient, exponent] : loan_rates) {
        loan_rates_.push_back({leverage, {coefficient, exponent}});
    }
    const std::int64_t n = open_order_loss.size();
    const std::int64_t n_balances = balances[1].size();
    const std::int64_t n_wallets = wallets[1].size();
    const std::int64_t n_positions = positions[1].size();
    const auto number = [](const py::array& array, const char* name, std::int64_t size) {
        return input<double>(array, name, size);
    };
    book_.n_accounts = n;
    book_.pooling = in_one ? Pooling::in_one : Pooling::by_asset;
    book_.n_assets = n_assets;
    book_.balances = {checked_offsets(balances[0], "balance offsets", n, n_balances),
                      checked_ids(balances[1], "asset_ids", n_assets),
                      number(balances[2], "free", n_balances),
                      number(balances[3], "locked", n_balances),
                      number(balances[4], "borrowed", n_balances),
                      number(balances[5], "interest", n_balances)};
    book_.loan_leverage = input<std::uint8_t>(loan_leverage, "loan_leverage", n_balances);
    book_.wallets = {checked_offsets(wallets[0], "wallet offsets", n, n_wallets),
                     checked_ids(wallets[1], "wallet asset_ids", n_assets),
                     number(wallets[2], "balance", n_wallets)};
    book_.positions = {checked_offsets(positions[0], "position offsets", n, n_positions),
                       checked_ids(positions[1], "symbol_ids", n_symbols_),
                       number(positions[2], "quantity", n_positions),
                       number(positions[3], "entry_price", n_positions),
                       number(positions[4], "leverage", n_positions),
                       nullptr,  // a side is a position by itself, whatever its name
                       number(positions[5], "isolated_margin", n_positions)};
    book_.multi_assets = multi_assets.is_none()
                             ? nullptr
                             : input<std::uint8_t>(py::reinterpret_borrow<py::array>(multi_assets),
                                                   "multi_assets", n);
    book_.contracts = contracts_.data();
    book_.loan_rates = loan_rates_.data();
    book_.n_loan_rates = static_cast<int>(loan_rates_.size());
    book_.open_order_loss = input<double>(open_order_loss, "open_order_loss", n);
    if (in_one) {
        const std::int64_t n_orders = orders[1].size();
        book_.orders = {checked_offsets(orders[0], "order offsets", n, n_orders),
                        checked_ids(orders[1], "order give_ids", n_assets),
                        checked_ids(orders[2], "order get_ids", n_assets),
                        number(orders[3], "give_quantity", n_orders),
                        number(orders[4], "get_quantity", n_orders)};
        if (orders[2].size() != n_orders) {
            refuse("order get_ids", "of size " + std::to_string(n_orders));
        }
    }
    const py::gil_scoped_release release;
    if (n_rows() <= 65536) {
        narrow_.emplace(book_);
    } else {
        wide_.emplace(book_);
    }
}

void PoolsOfBook::prepare(const Market<1>* market, int threads) {
    if (is_prepared()) {
        return;
    }
    const py::gil_scoped_release release;
    slots_ = visit(
        [&](const auto& pools) { return std::make_unique<PoolSlotBook>(pools, market, threads); });
}

namespace {

py::array slot_accounts(const PoolsOfBook& book) {
    if (!book.is_prepared()) {
        refuse("pools", "prepared");
    }
    py::array_t<std::int64_t> order(book.book().n_accounts);
    std::int64_t* const out = order.mutable_data();
    book.visit_slots([&](const auto& slots, const auto&) {
        for (std::int64_t slot = 0; slot < slots.n_accounts; ++slot) {
            out[slot] = slots.account_of(slot);
        }
    });
    return std::move(order);
}

PoolCodes pool_codes(const py::array& actions_of_line, const py::array& actions_of_grants) {
    return {input<std::uint16_t>(actions_of_line, "actions_of_line", -1),
            static_cast<unsigned>(actions_of_line.size() - 1),
            input<std::uint16_t>(actions_of_grants, "actions_of_grants", 128)};
}

void evaluate_futures(const PoolsOfBook& book, const PoolMarket& market, const Decisions& decisions,
                      const py::array& unit, const py::array& actions_of_line,
                      const py::array& actions_of_grants, const std::vector<py::object>& levels,
                      const std::vector<py::object>& totals, const py::object& ratio,
                      const py::object& actions, int threads) {
    if (!book.is_prepared()) {
        refuse("pools", "prepared");
    }
    const std::int64_t n = book.book().n_accounts;
    const std::int64_t n_units = static_cast<std::int64_t>(book.book().n_assets) + 1;
    const DecisionTable table = decisions.table(nullptr);
    const Joining joining{input<double>(unit, "unit", n_units), n_units,
                          pool_codes(actions_of_line, actions_of_grants)};
    Outputs<Futures> outputs{};
    take_outputs(outputs.levels, levels, "levels", n);
    take_outputs(outputs.totals, totals, "totals", n);
    outputs.actions = output<std::uint16_t>(actions, "actions", n);
    auto* const ratios = output<double>(ratio, "ratio", n);
    const Implementation chosen = implementation();
    const py::gil_scoped_release release;
    book.visit_slots([&](const auto& slots, const auto& pools) {
        evaluate_joined_slots<Futures>(slots, pools, market.market(), book.n_rows(), table, joining,
                                       outputs, ratios, threads, chosen);
    });
}

/// Pools' and accounts' arrays of amounts, as many of either.
struct Amounts {
    std::vector<const double*> pools;
    std::vector<double*> accounts;

    Amounts(const std::vector<py::array>& of_pools, const std::vector<py::array>& of_accounts,
            std::int64_t n_pools, std::int64_t n_accounts) {
        check_count(of_accounts, "amounts", of_pools.size());
        for (const py::array& array : of_pools) {
            pools.push_back(input<double>(array, "pool amounts", n_pools));
        }
        for (const py::array& array : of_accounts) {
            accounts.push_back(output<double>(array, "amounts", n_accounts));
        }
    }
};

void combine(const PoolsOfBook& book, const py::array& is_isolated, const py::array& unit,
             const py::array& levels, const std::vector<py::array>& pool_amounts,
             const py::array& codes, const py::array& actions_of_line,
             const py::array& actions_of_grants, const py::object& level, const py::object& ratio,
             const std::vector<py::array>& amounts, const py::object& actions, int threads) {
    const std::int64_t n = book.book().n_accounts;
    const std::int64_t n_pools = book.n_pools();
    const std::int64_t n_units = static_cast<std::int64_t>(book.book().n_assets) + 1;
    const Amounts both(pool_amounts, amounts, n_pools, n);
    const PoolFigures pools{book.visit([](const auto& view) { return view.first_pool; }),
                            book.keys().data(),
                            input<std::uint8_t>(is_isolated, "is_isolated", n_pools),
                            input<double>(unit, "unit", n_units),
                            n_units,
                            input<double>(levels, "levels", n_pools),
                            both.pools.data(),
                            static_cast<int>(both.pools.size()),
                            input<std::uint16_t>(codes, "codes", n_pools)};
    const PoolCodes table = pool_codes(actions_of_line, actions_of_grants);
    const AccountFigures accounts{output<double>(level, "level", n),
                                  output<double>(ratio, "ratio", n), both.accounts.data(),
                                  output<std::uint16_t>(actions, "actions", n)};
    const py::gil_scoped_release release;
    combine_pools(n, pools, table, accounts, threads);
}

/// (account, asset, isolated) of every pool.
py::tuple pool_keys(const PoolsOfBook& book) {
    const auto& keys = book.keys();
    const auto n = static_cast<std::int64_t>(keys.size());
    py::array_t<std::int64_t> account(n);
    py::array_t<std::int64_t> asset(n);
    py::array_t<std::int64_t> isolated(n);
    book.visit([&](const auto& pools) {
        for (std::int64_t pool = 0; pool < n; ++pool) {
            const PoolKey& key = keys[static_cast<std::size_t>(pool)];
            account.mutable_data()[pool] = pools.account[pool];
            asset.mutable_data()[pool] = key.asset;
            isolated.mutable_data()[pool] = key.isolated;
        }
    });
    return py::make_tuple(account, asset, isolated);
}

}  // namespace

void register_pools(py::module_& module) {
    py::class_<PoolsOfBook>(module, "Pools", "The margin pools of a book's wallets and positions.")
        .def(py::init<const std::vector<py::array>&, const py::array&,
                      const std::vector<py::array>&, const std::vector<py::array>&,
                      const py::object&, const std::vector<py::array>&,
                      const std::vector<std::tuple<int, std::int64_t, int>>&, const py::array&,
                      const std::vector<py::array>&, std::uint32_t, bool>(),
             py::arg("balances"), py::arg("loan_leverage"), py::arg("wallets"),
             py::arg("positions"), py::arg("multi_assets"), py::arg("contracts"),
             py::arg("loan_rates"), py::arg("open_order_loss"), py::arg("orders"),
             py::arg("n_assets"), py::arg("in_one"),
             "Pool what accounts hold: by settlement asset, or all of an account in one, which "
             "then has orders too.")
        .def_property_readonly("n_pools", &PoolsOfBook::n_pools, "Number of pools.")
        .def_property_readonly("n_rows", &PoolsOfBook::n_rows, "Number of instruments.")
        .def(
            "prepare",
            [](PoolsOfBook& book, const PoolMarket& market, int threads) {
                book.prepare(&market.market(), threads);
            },
            py::arg("market"), py::arg("threads"),
            "Lay the pools out for the vector pass, best for a market like the given one; the "
            "second call does nothing.")
        .def_property_readonly("is_prepared", &PoolsOfBook::is_prepared,
                               "Whether `prepare` was called.")
        .def_property_readonly("has_gaps", &PoolsOfBook::has_gaps,
                               "Whether some loan has no known leverage.")
        .def("slot_accounts", &slot_accounts, "Return int64[n]: the account in each slot.")
        .def("keys", &pool_keys,
             "Return int64[p] accounts, assets (n_assets: in USD) and isolated positions (-1: "
             "cross) of the pools.");
    py::class_<PoolMarket>(module, "PoolMarket", "Prices and schedules of a book's instruments.")
        .def(py::init([](const PoolsOfBook& book, const Schedules& schedules,
                         const py::array& price, const py::array& weight,
                         const py::array& given_price, const py::array& contract_size,
                         const py::array& schedule_ids, const py::object& gaps) {
                 return std::make_unique<PoolMarket>(schedules, price, weight, given_price,
                                                     contract_size, schedule_ids, gaps,
                                                     book.n_rows());
             }),
             py::arg("pools"), py::arg("schedules"), py::arg("price"), py::arg("weight"),
             py::arg("given_price"), py::arg("contract_size"), py::arg("schedule_ids"),
             py::arg("gaps"), py::keep_alive<1, 3>(),
             "Take float64[r] price, weight (< 0: a symbol), price as given, contract size (> 0: "
             "inverse), int32[r] schedule numbers and uint16[r] gaps (None: there are none) of the "
             "r = 2 n_assets + n_symbols rows.");
    module.def(
        "evaluate_pools",
        [](const std::string& kernel, const PoolsOfBook& book, const PoolMarket& market,
           const Decisions& decisions, const py::object& class_of, const py::object& slot_class_of,
           const std::vector<py::object>& levels, const std::vector<py::object>& totals,
           const py::object& actions, int threads) {
            const auto classes = [&](const py::object& array, const char* name) {
                return array.is_none()
                           ? nullptr
                           : input<std::uint32_t>(py::reinterpret_borrow<py::array>(array), name,
                                                  book.n_pools());
            };
            const DecisionTable table = decisions.table(classes(class_of, "class_of"));
            find_kernel(kernel).run(book, market, table, classes(slot_class_of, "slot_class_of"),
                                    levels, totals, actions, threads);
        },
        py::arg("kernel"), py::arg("pools"), py::arg("market"), py::arg("decisions"),
        py::arg("class_of"), py::arg("slot_class_of"), py::arg("levels"), py::arg("totals"),
        py::arg("actions"), py::arg("threads"),
        "Evaluate p pools into float64[p] levels and totals and uint16[p] actions (None: not "
        "wanted).");
    module.def(
        "evaluate_futures", &evaluate_futures, py::arg("pools"), py::arg("market"),
        py::arg("decisions"), py::arg("unit"), py::arg("actions_of_line"),
        py::arg("actions_of_grants"), py::arg("levels"), py::arg("totals"), py::arg("ratio"),
        py::arg("actions"), py::arg("threads"),
        "Evaluate n accounts of prepared pools: what `evaluate_pools` and `combine_pools` do "
        "one after the other, into float64[n] levels, totals and ratio and uint16[n] actions "
        "(None: not wanted).");
    module.def("combine_pools", &combine, py::arg("pools"), py::arg("is_isolated"), py::arg("unit"),
               py::arg("levels"), py::arg("pool_amounts"), py::arg("codes"),
               py::arg("actions_of_line"), py::arg("actions_of_grants"), py::arg("level"),
               py::arg("ratio"), py::arg("amounts"), py::arg("actions"), py::arg("threads"),
               "Make n accounts of p pools: uint8[p] is_isolated, float64[n_assets + 1] unit, "
               "float64[p] levels and "
               "amounts, uint16[p] codes, uint16[lines + 1] and uint16[128] actions, into "
               "float64[n] level, ratio and amounts and uint16[n] actions (None: not wanted).");
    module.def(
        "evaluate_positions",
        [](const PoolsOfBook& book, const PoolMarket& market, const py::object& notional,
           const py::object& unrealized_pnl, const py::object& maintenance_margin,
           const py::object& initial_margin) {
            const std::int64_t n = book.n_positions();
            const PositionFields fields{output<double>(notional, "notional", n),
                                        output<double>(unrealized_pnl, "unrealized_pnl", n),
                                        output<double>(maintenance_margin, "maintenance_margin", n),
                                        output<double>(initial_margin, "initial_margin", n)};
            const py::gil_scoped_release release;
            evaluate_positions(book.book(), market.market(), fields);
        },
        py::arg("pools"), py::arg("market"), py::arg("notional"), py::arg("unrealized_pnl"),
        py::arg("maintenance_margin"), py::arg("initial_margin"),
        "Fill float64[m] figures of each position, in units of its settlement asset.");
    module.def(
        "exact_pool_level",
        [](const std::string& kernel, const PoolsOfBook& book, const PoolMarket& market,
           std::int64_t pool, int level) {
            if (pool < 0 || pool >= book.n_pools()) {
                refuse("pool", "from 0 to " + std::to_string(book.n_pools() - 1) + ", not " +
                                   std::to_string(pool));
            }
            return find_kernel(kernel).run_exact(book, market, pool, level);
        },
        py::arg("kernel"), py::arg("pools"), py::arg("market"), py::arg("pool"), py::arg("level"),
        "Return a level's numerator and denominator, each as (numerator, denominator, exponent of "
        "ten).");
}

}  // namespace pymargin::bindings
