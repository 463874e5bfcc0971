"""Functions of formulas as generated C++ has them, over `num`, which is `float` or `double`, in forms that a compiler vectorises."""

from __future__ import annotations

from collections.abc import Mapping

FORMS: Mapping[str, str] = {
    "spread": "{0}",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negative": "-{0}",
    "power": "pow_({0}, {1})",
    "minimum": "({0} < {1} || {0} != {0} ? {0} : {1})",
    "maximum": "({0} > {1} || {0} != {0} ? {0} : {1})",
    "above": "({0} > {1} ? num(1) : num(0))",
    "tanh": "tanh_({0})",
    "sigmoid": "sigmoid_({0})",
    "relu": "({0} < num(0) ? num(0) : {0})",
    "softsign": "{0} / (num(1) + abs_({0}))",
    "softplus": "softplus_({0})",
    "elu": "({0} > num(0) ? {0} : expm1_({0}))",
    "gelu": "num(0.5) * {0} * (num(1) + erf_({0} * num(0.7071067811865476)))",
    "gelu_slope": "num(0.5) * (num(1) + erf_({0} * num(0.7071067811865476))) + {0} * num(0.3989422804014327) * exp_(num(-0.5) * {0} * {0})",
    "exp": "exp_({0})",
    "log": "log_({0})",
    "sqrt": "sqrt_({0})",
    "abs": "abs_({0})",
    "sin": "sin_({0})",
    "cos": "cos_({0})",
}
"""Functions of formulas and of their derivatives, in C++."""

FUNCTIONS: Mapping[str, str] = {
    "float": r"""
extern "C" {
vectorised float logf(float) noexcept;
vectorised float sinf(float) noexcept;
vectorised float cosf(float) noexcept;
vectorised float powf(float, float) noexcept;
vectorised float erff(float) noexcept;
}
inlined num log_(num x) { return logf(x); }
inlined num sin_(num x) { return sinf(x); }
inlined num cos_(num x) { return cosf(x); }
inlined num pow_(num x, num y) { return powf(x, y); }
inlined num erf_(num x) { return erff(x); }
inlined num sqrt_(num x) { return __builtin_sqrtf(x); }
inlined num abs_(num x) { return __builtin_fabsf(x); }

inlined num power_of_two(int n) { union { int i; float f; } bits = {(n + 127) << 23}; return bits.f; }
// x = n ln 2 + r, and e^r - 1 as a polynomial in r, from Cephes' expf.
struct Halves { num rest; int n; };
inlined Halves halves(num x) {
  const num shifted = x * 1.44269504f + 12582912.f, n = shifted - 12582912.f;
  const num r = x - n * 0.693359375f - n * -2.12194440e-4f;
  num y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f; y = y * r + 8.3334519073e-3f; y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f; y = y * r + 5.0000001201e-1f;
  return {y * r * r + r, (int)n};
}
// Two factors of 2, so that tiny results and infinity come out.
inlined num exp_(num x) {
  x = x > 89.f ? 89.f : x; x = x < -104.f ? -104.f : x;
  const Halves e = halves(x);
  const int half = e.n >> 1;
  return (e.rest + 1.f) * power_of_two(half) * power_of_two(e.n - half);
}
// e^x - 1 = 2^n (e^r - 1) + (2^n - 1): right to the last bit or so near zero too. For x up to 88.
inlined num expm1_(num x) {
  const Halves e = halves(x < -87.f ? -87.f : x);
  const num n = power_of_two(e.n);
  return e.rest * n + (n - 1.f);
}
// tanh x = (e^2x - 1) / (e^2x + 1): near one as near zero it is right to the last bit or so, which its slope, 1 - tanh^2, needs.
inlined num tanh_(num x) {
  num a = 2.f * abs_(x); a = a > 18.1f ? 18.1f : a;
  const num m = expm1_(a);
  return __builtin_copysignf(m / (m + 2.f), x);
}
""",
    "double": r"""
extern "C" {
vectorised double log(double) noexcept;
vectorised double sin(double) noexcept;
vectorised double cos(double) noexcept;
vectorised double pow(double, double) noexcept;
vectorised double erf(double) noexcept;
vectorised double exp(double) noexcept;
vectorised double expm1(double) noexcept;
vectorised double tanh(double) noexcept;
}
inlined num log_(num x) { return log(x); }
inlined num sin_(num x) { return sin(x); }
inlined num cos_(num x) { return cos(x); }
inlined num pow_(num x, num y) { return pow(x, y); }
inlined num erf_(num x) { return erf(x); }
inlined num sqrt_(num x) { return __builtin_sqrt(x); }
inlined num abs_(num x) { return __builtin_fabs(x); }
inlined num exp_(num x) { return exp(x); }
inlined num expm1_(num x) { return expm1(x); }
inlined num tanh_(num x) { return tanh(x); }
""",
}
"""Of each number type; libm's where they are fast enough, vectorised by libmvec."""

COMMON_FUNCTIONS = r"""
inlined num sigmoid_(num x) { return num(1) / (num(1) + exp_(-x)); }
// log(1 + e^x); dividing by the rounded argument less one makes up for its rounding.
inlined num softplus_(num x) {
  const num e = exp_(x), w = num(1) + e, d = w - num(1);
  return x > num(40) ? x : d == num(0) ? e : log_(w) * (e / d);
}
"""
"""Made from these, for both."""
