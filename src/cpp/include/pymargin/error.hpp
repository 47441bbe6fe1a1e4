#pragma once

#include <stdexcept>

namespace pymargin {

/// The one exception thrown, always while input is checked, never in a hot function.
class Error : public std::invalid_argument {
  public:
    using std::invalid_argument::invalid_argument;
};

}  // namespace pymargin
