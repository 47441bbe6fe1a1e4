#pragma once

#include <cstdio>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <vector>

// A test harness in a page: TEST(name) { CHECK(...); } registers a case; including this header
// gives the executable its main, which is non-zero where a check failed.

namespace pymargin::test {

struct Case {
    const char* name;
    void (*run)();
};

inline std::vector<Case>& cases() {
    static std::vector<Case> all;
    return all;
}

inline int& failures() {
    static int count = 0;
    return count;
}

struct Registrar {
    Registrar(const char* name, void (*run)()) {
        cases().push_back({name, run});
    }
};

inline void fail(const char* file, int line, const std::string& what) {
    // A property that breaks breaks for many draws: the first few say all.
    if (++failures() <= 20) {
        std::printf("%s:%d: %s\n", file, line, what.c_str());
    }
}

template <class T>
std::string printed(const T& value) {
    std::ostringstream text;
    text.precision(std::numeric_limits<double>::max_digits10);
    if constexpr (std::is_enum_v<T>) {
        text << static_cast<long long>(value);
    } else {
        text << value;
    }
    return text.str();
}

template <class Left, class Right>
void check_equal(const Left& left, const Right& right, const char* expression, const char* file,
                 int line) {
    if (!(left == right)) {
        fail(file, line, std::string(expression) + ": " + printed(left) + " != " + printed(right));
    }
}

}  // namespace pymargin::test

#define CHECK(condition)                                          \
    do {                                                          \
        if (!(condition)) {                                       \
            pymargin::test::fail(__FILE__, __LINE__, #condition); \
        }                                                         \
    } while (false)

#define CHECK_EQ(left, right) \
    pymargin::test::check_equal((left), (right), #left " == " #right, __FILE__, __LINE__)

#define TEST(name)                                                                \
    static void test_##name();                                                    \
    static const pymargin::test::Registrar registrar_##name(#name, &test_##name); \
    static void test_##name()

int main() {
    for (const auto& one : pymargin::test::cases()) {
        const int before = pymargin::test::failures();
        one.run();
        std::printf("%s %s\n", pymargin::test::failures() == before ? "ok  " : "FAIL", one.name);
    }
    return pymargin::test::failures() == 0 ? 0 : 1;
}
