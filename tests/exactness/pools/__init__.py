"""The campaign for portfolio margin and futures: pools of wallets and positions.

`integers` is the independent check and `estimate` says where it may be spared; `market` draws rules
and prices, `book` holds accounts as arrays, `draw` fills them, `near` moves them beside a
threshold, `plant` puts them exactly onto one, `chunk` runs one share of the work.
"""
