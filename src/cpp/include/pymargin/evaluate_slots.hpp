#pragma once

#include <cstdint>

#include "pymargin/dispatch.hpp"
#include "pymargin/evaluate.hpp"
#include "pymargin/slots.hpp"

namespace pymargin {

/// Where the results of a slot pass stand: at each account's place in the book, or in slot order
/// (Slots::account_of names the account), which saves the way back.
enum class ResultOrder { user, slot };

/// Levels and actions of a whole book under one mode from its slots; the same bits as `evaluate`.
/// `slots` is the book's layout of `accounts`; `slot_class_of` is DecisionTable::class_of in slot
/// order, null where that is.
template <class Mode, class AssetId>
void evaluate_slots(const Slots<AssetId>& slots, const AccountArrays<AssetId>& accounts,
                    const Market<Mode::n_tables>& market, std::int64_t n_assets,
                    const DecisionTable& table, const std::uint32_t* slot_class_of,
                    const Outputs<Mode>& outputs, ResultOrder order, int threads,
                    Implementation implementation);

/// The same straight from the book's rows, in user order: for a book that is evaluated once.
template <class Mode, class AssetId>
void evaluate_rows(const AccountArrays<AssetId>& accounts, const Market<Mode::n_tables>& market,
                   std::int64_t n_assets, const DecisionTable& table, const Outputs<Mode>& outputs,
                   int threads, Implementation implementation);

}  // namespace pymargin
