// Where a pass with a scenario a lane writes, written once over `Lanes` as kernels.inl is.

namespace {

/// What a pass holds accounts against.
enum class Tests {
    none,
    usual,  ///< the mode's usual four, known to the compiler
    any,
};

/// The results of one account after the other, block by block, of a pass that computes `level`.
/// `decides`: it holds accounts against their thresholds.
template <class Job, bool decides, int level>
class GridWriter {
  protected:
    PYMARGIN_INLINE explicit GridWriter(const Job& job) noexcept : job_(job) {
    }

    static PYMARGIN_INLINE Words with_flag(const Words& words, std::uint16_t flag,
                                           unsigned scenarios) noexcept {
        alignas(32) std::uint16_t by_scenario[grid_block];
        words.store(by_scenario);
        for (; scenarios != 0; scenarios &= scenarios - 1) {
            by_scenario[__builtin_ctz(scenarios)] |= flag;
        }
        return Words::load(by_scenario);
    }

    /// Replaces level and actions under the scenarios of `redo` by those of single evaluations.
    PYMARGIN_INLINE void redo_each(std::int64_t account, unsigned redo, Scenarios& levels,
                                   Words& words) const noexcept {
        alignas(32) double level_at[grid_block];
        alignas(32) std::uint16_t actions_at[grid_block];
        store_scenarios(level_at, levels);
        words.store(actions_at);
        for (; redo != 0; redo &= redo - 1) {
            const int k = __builtin_ctz(redo);
            const auto result = job_.rare->redo(account, block_ * grid_block + k);
            level_at[k] = result.levels[level];
            actions_at[k] = result.actions;
            if (decides && job_.shortfall != nullptr) {
                job_.shortfall[block_ * grid_block + k] += result.missing;
            }
        }
        levels = load_scenarios(level_at);
        words = Words::load(actions_at);
    }

    PYMARGIN_INLINE void put(std::int64_t account, const Scenarios& levels) const noexcept {
        if (job_.outputs.levels[level] != nullptr) {
            double* const to = job_.outputs.levels[level] + place_of(account);
            if (__builtin_expect(n_scenarios_ == grid_block, 1)) {
                store_scenarios(to, levels);
            } else {
                alignas(32) double by_scenario[grid_block];
                store_scenarios(by_scenario, levels);
                for (int k = 0; k < n_scenarios_; ++k) {
                    to[k] = by_scenario[k];
                }
            }
        }
        if (level == 0 && job_.outputs.worst_level != nullptr) {
            keep_worst(account, levels);
        }
    }

    PYMARGIN_INLINE std::int64_t place_of(std::int64_t account) const noexcept {
        return account * job_.n_scenarios + block_ * grid_block;
    }

    /// Keeps the least level; equal ones keep the earlier scenario.
    PYMARGIN_INLINE void keep_worst(std::int64_t account, const Scenarios& levels) const noexcept {
        double worst = job_.outputs.worst_level[account];
        if (!any_greater(Lanes(worst), least_of(levels))) {
            return;
        }
        alignas(32) double by_scenario[grid_block];
        store_scenarios(by_scenario, levels);
        int at = -1;
        for (int k = 0; k < n_scenarios_; ++k) {
            if (by_scenario[k] < worst) {
                worst = by_scenario[k];
                at = k;
            }
        }
        if (at >= 0) {
            job_.outputs.worst_level[account] = worst;
            job_.outputs.worst_scenario[account] =
                static_cast<std::int32_t>(block_ * grid_block + at);
        }
    }

    PYMARGIN_INLINE void put_actions(std::int64_t account, const Words& words) const noexcept {
        if (job_.outputs.actions == nullptr) {
            return;
        }
        std::uint16_t* const to = job_.outputs.actions + place_of(account);
        if (__builtin_expect(n_scenarios_ == grid_block, 1)) {
            words.store(to);
        } else {
            alignas(32) std::uint16_t by_scenario[grid_block];
            words.store(by_scenario);
            for (int k = 0; k < n_scenarios_; ++k) {
                to[k] = by_scenario[k];
            }
        }
    }

    /// Counts the flags of actions that are not those of an account clear of everything.
    PYMARGIN_INLINE void count(const Words& words) const noexcept {
        if (job_.counts != nullptr) {
            for (unsigned flags = words.any(); flags != 0; flags &= flags - 1) {
                const int flag = __builtin_ctz(flags);
                words.count(flag, job_.counts + (block_ * n_action_flags + flag) * grid_block);
            }
        }
    }

    // A copy that no output can alias: the compiler may keep its parts in registers.
    const Job job_;
    std::int64_t block_ = 0;
    int n_scenarios_ = grid_block;  ///< of the block
};

}  // namespace
