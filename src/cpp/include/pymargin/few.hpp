#pragma once

#include <cstddef>
#include <vector>

namespace pymargin {

/// A list that is mostly short: its first `n` items need no memory of their own.
template <class T, std::size_t n>
class Few {
  public:
    Few() noexcept = default;
    Few(const Few&) = delete;
    Few& operator=(const Few&) = delete;

    T* begin() noexcept {
        return many_.empty() ? few_ : many_.data();
    }
    T* end() noexcept {
        return begin() + size_;
    }
    bool empty() const noexcept {
        return size_ == 0;
    }
    /// References to items are good until the next item.
    T& add(const T& item) {
        if (size_ < n) {
            few_[size_] = item;
        } else {
            if (size_ == n) {
                many_.assign(few_, few_ + n);
            }
            many_.push_back(item);
        }
        ++size_;
        return *(end() - 1);
    }

  private:
    T few_[n];
    std::vector<T> many_;
    std::size_t size_ = 0;
};

}  // namespace pymargin
