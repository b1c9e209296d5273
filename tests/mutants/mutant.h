// What mutated sources call (mutate.py): each function does what its name says or, where one of its
// mutants was chosen, something else. A call's mutants have numbers from `first` on.
#pragma once

namespace mutant {

/// Which of the `count` mutants from `first` on is chosen, from 0; -1: none of them. Also notes
/// that they were reached.
int chosen(int first, int count);

inline bool on(int first) { return chosen(first, 1) == 0; }

#define MUTANT_COMPARE(name, op, boundary, negated)              \
  inline bool name(int first, auto a, auto b) {                  \
    const int m = chosen(first, 2);                              \
    return m < 0 ? a op b : m == 0 ? a boundary b : a negated b; \
  }
MUTANT_COMPARE(less, <, <=, >=)
MUTANT_COMPARE(less_equal, <=, <, >)
MUTANT_COMPARE(greater, >, >=, <=)
MUTANT_COMPARE(greater_equal, >=, >, <)
#undef MUTANT_COMPARE
inline bool equal(int first, auto a, auto b) { return (a == b) != on(first); }
inline bool not_equal(int first, auto a, auto b) { return (a != b) != on(first); }

#define MUTANT_ARITHMETIC(name, op, other) \
  inline auto name(int first, auto a, auto b) { return on(first) ? a other b : a op b; }
MUTANT_ARITHMETIC(plus, +, -)
MUTANT_ARITHMETIC(minus, -, +)
MUTANT_ARITHMETIC(times, *, /)
MUTANT_ARITHMETIC(over, /, *)
MUTANT_ARITHMETIC(rest, %, *)
#undef MUTANT_ARITHMETIC

#define MUTANT_COMPOUND(name, op, other)          \
  inline auto& name(int first, auto& a, auto b) { \
    if (on(first))                                \
      a other b;                                  \
    else                                          \
      a op b;                                     \
    return a;                                     \
  }
MUTANT_COMPOUND(add, +=, -=)
MUTANT_COMPOUND(subtract, -=, +=)
MUTANT_COMPOUND(multiply, *=, /=)
MUTANT_COMPOUND(divide, /=, *=)
#undef MUTANT_COMPOUND

inline auto& assign(int first, auto& a, const auto& b) {
  if (!on(first)) a = b;
  return a;
}

template <class T>
T negative(int first, T a) {
  return on(first) ? a : -a;
}
template <class T>
T sign(int first, T a) {
  return on(first) ? -a : a;
}
template <class T>
T more(int first, T a) {
  return on(first) ? a + T{1} : a;
}
template <class T>
T value(int first, int count, T a) {
  const int m = chosen(first, count);
  return m < 0 ? a : m == 0 ? a + T{1} : -a;
}
template <class T>
T shifted(int first, T a) {
  const int m = chosen(first, 2);
  return m < 0 ? a : m == 0 ? a + T{1} : a - T{1};
}
template <class T>
T pick(int first, T a, T b, T c) {
  const int m = chosen(first, 2);
  return m < 0 ? a : m == 0 ? b : c;
}

}  // namespace mutant
