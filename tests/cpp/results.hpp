#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "pymargin/evaluate.hpp"
#include "scenario.hpp"

namespace pymargin::test {

/// What an action is before anything writes it.
constexpr std::uint16_t untouched = 0xABCD;

/// Owns one array a result.
template <class Mode>
class Results {
  public:
    explicit Results(std::int64_t n)
        : fields_(Mode::n_levels + Mode::n_totals,
                  std::vector<double>(static_cast<std::size_t>(n), -7.0)),
          actions(static_cast<std::size_t>(n), untouched) {
    }

    Outputs<Mode> outputs() {
        Outputs<Mode> outputs{};
        for (int level = 0; level < Mode::n_levels; ++level) {
            outputs.levels[level] = field(level).data();
        }
        for (int total = 0; total < Mode::n_totals; ++total) {
            outputs.totals[total] = field(Mode::n_levels + total).data();
        }
        outputs.actions = actions.data();
        return outputs;
    }

    std::vector<double>& field(int index) {
        return fields_[static_cast<std::size_t>(index)];
    }

    bool has_bits_of(const Results& other) const {
        for (std::size_t i = 0; i < fields_.size(); ++i) {
            if (std::memcmp(fields_[i].data(), other.fields_[i].data(),
                            fields_[i].size() * sizeof(double)) != 0) {
                return false;
            }
        }
        return actions == other.actions;
    }

  private:
    std::vector<std::vector<double>> fields_;

  public:
    std::vector<std::uint16_t> actions;
};

/// A scenario's book of n accounts, some of them on a threshold.
struct World {
    World(std::uint64_t seed, int n) : scenario(seed) {
        for (int i = 0; i < n; ++i) {
            Account account = scenario.account();
            accounts.push_back(i % 50 == 0 ? scenario.balanced<ProGross>(account) : account);
            book.add(accounts.back());
        }
    }

    template <class Mode>
    Results<Mode> run(int threads, const std::vector<std::uint16_t>& gaps = {}) const {
        Results<Mode> results(book.size());
        run_into<Mode>(results.outputs(), threads, gaps);
        return results;
    }
    template <class Mode>
    void run_into(const Outputs<Mode>& outputs, int threads,
                  const std::vector<std::uint16_t>& gaps = {}) const {
        const MarketOf<Mode> market(scenario.rules, scenario.assets, gaps);
        const Decisions<Mode> decisions;
        evaluate<Mode>(book.view(), market.market(), decisions.table(), outputs, threads);
    }

    Scenario scenario;
    std::vector<Account> accounts;
    Book<> book;
};

}  // namespace pymargin::test
