"""The fixed part of generated C++: functions of formulas in forms that a compiler vectorises, and a small matrix product."""

from __future__ import annotations

from collections.abc import Mapping

FORMS: Mapping[str, str] = {
    "spread": "{0}",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "negative": "-{0}",
    "power": "powf({0}, {1})",
    "minimum": "({0} < {1} || {0} != {0} ? {0} : {1})",
    "maximum": "({0} > {1} || {0} != {0} ? {0} : {1})",
    "above": "({0} > {1} ? 1.f : 0.f)",
    "tanh": "tanh_({0})",
    "sigmoid": "sigmoid_({0})",
    "relu": "({0} < 0.f ? 0.f : {0})",
    "softsign": "{0} / (1.f + __builtin_fabsf({0}))",
    "softplus": "softplus_({0})",
    "elu": "({0} > 0.f ? {0} : exp_({0}) - 1.f)",
    "gelu": "0.5f * {0} * (1.f + erff({0} * 0.70710678f))",
    "gelu_slope": "0.5f * (1.f + erff({0} * 0.70710678f)) + {0} * 0.39894228f * exp_(-0.5f * {0} * {0})",
    "exp": "exp_({0})",
    "log": "logf({0})",
    "sqrt": "__builtin_sqrtf({0})",
    "abs": "__builtin_fabsf({0})",
    "sin": "sinf({0})",
    "cos": "cosf({0})",
}
"""Functions of formulas and of their derivatives, in C++."""

PRELUDE = r"""
#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 8 };
#elif defined(__AVX__)
enum { LANES = 8, ROWS = 6 };
#elif defined(__aarch64__)
enum { LANES = 4, ROWS = 8 };
#else
enum { LANES = 4, ROWS = 6 };
#endif
enum { PANEL = 2 * LANES };
typedef float vec __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
#define inlined static inline __attribute__((always_inline))

// VECTOR_LIBM: glibc's libmvec has these for whole vectors; without it they are computed one by one.
#ifdef VECTOR_LIBM
#define vectorised __attribute__((simd("notinbranch"), const))
#else
#define vectorised __attribute__((const))
#endif
extern "C" {
vectorised float logf(float) noexcept;
vectorised float sinf(float) noexcept;
vectorised float cosf(float) noexcept;
vectorised float powf(float, float) noexcept;
vectorised float erff(float) noexcept;
}

inlined float power_of_two(int n) { union { int i; float f; } bits = {(n + 127) << 23}; return bits.f; }

// Cephes' expf: x = n ln 2 + r, a polynomial in r. Two factors of 2, so that tiny results and infinity come out.
inlined float exp_(float x) {
  x = x > 89.f ? 89.f : x; x = x < -104.f ? -104.f : x;
  const float shifted = x * 1.44269504f + 12582912.f, whole = shifted - 12582912.f;
  const float r = x - whole * 0.693359375f - whole * -2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f; y = y * r + 8.3334519073e-3f; y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f; y = y * r + 5.0000001201e-1f; y = y * r * r + r + 1.f;
  const int n = (int)whole, half = n >> 1;
  return y * power_of_two(half) * power_of_two(n - half);
}
inlined float sigmoid_(float x) { return 1.f / (1.f + exp_(-x)); }

// tanh x = (e^2x - 1) / (e^2x + 1), by e^2x - 1 = 2^n (e^r - 1) + (2^n - 1): near one as near zero it is right to the last bit or so,
// which its slope, 1 - tanh^2, needs.
inlined float tanh_(float x) {
  float a = 2.f * __builtin_fabsf(x); a = a > 18.1f ? 18.1f : a;
  const float shifted = a * 1.44269504f + 12582912.f, whole = shifted - 12582912.f;
  const float r = a - whole * 0.693359375f - whole * -2.12194440e-4f;
  float y = 1.9875691500e-4f;
  y = y * r + 1.3981999507e-3f; y = y * r + 8.3334519073e-3f; y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f; y = y * r + 5.0000001201e-1f; y = y * r * r + r;
  const float n = power_of_two((int)whole), m = y * n + (n - 1.f);
  return __builtin_copysignf(m / (m + 2.f), x);
}
// log(1 + e^x); dividing by the rounded argument less one makes up for its rounding.
inlined float softplus_(float x) {
  const float e = exp_(x), w = 1.f + e, d = w - 1.f;
  return x > 20.f ? x : d == 0.f ? e : logf(w) * (e / d);
}

// to[R, PANEL] = from + rows[R, K] * panel[K, PANEL]
template <int R> inlined void tile(int K, const float* rows, long ld, const float* panel, const float* from, long ldf, float* to, long ldt) {
  vec a[R], b[R];
  for (int i = 0; i < R; i++) { a[i] = *(const vec*)(from + i * ldf); b[i] = *(const vec*)(from + i * ldf + LANES); }
  for (int k = 0; k < K; k++) {
    const vec x = *(const vec*)(panel + k * PANEL), y = *(const vec*)(panel + k * PANEL + LANES);
#if defined(__clang__)
#pragma clang loop unroll(full)
#else
#pragma GCC unroll 8
#endif
    for (int i = 0; i < R; i++) { const float s = rows[i * ld + k]; a[i] += s * x; b[i] += s * y; }
  }
  for (int i = 0; i < R; i++) { *(vec*)(to + i * ldt) = a[i]; *(vec*)(to + i * ldt + LANES) = b[i]; }
}
template <int R> static void tiles(int w, int K, const float* rows, long ld, const float* panel, const float* from, long ldf, float* to, long ldt) {
  if (w == PANEL) { tile<R>(K, rows, ld, panel, from, ldf, to, ldt); return; }
  float edge[R * PANEL];
  for (int i = 0; i < R; i++) for (int j = 0; j < PANEL; j++) edge[i * PANEL + j] = j < w ? from[i * ldf + j] : 0.f;
  tile<R>(K, rows, ld, panel, edge, PANEL, edge, PANEL);
  for (int i = 0; i < R; i++) for (int j = 0; j < w; j++) to[i * ldt + j] = edge[i * PANEL + j];
}
// to[M, N] = from + rows[M, K] * packed; `to` may be `from`
static void matrix(long M, int N, int K, const float* rows, long ld, const float* packed, const float* from, long ldf, float* to, long ldt) {
  for (int c = 0; c < N; c += PANEL) {
    const float* panel = packed + (long)c * K;
    const int w = N - c < PANEL ? N - c : PANEL;
    long i = 0;
    for (; i + ROWS <= M; i += ROWS) tiles<ROWS>(w, K, rows + i * ld, ld, panel, from + i * ldf + c, ldf, to + i * ldt + c, ldt);
    for (; i + 4 <= M; i += 4) tiles<4>(w, K, rows + i * ld, ld, panel, from + i * ldf + c, ldf, to + i * ldt + c, ldt);
    for (; i < M; i++) tiles<1>(w, K, rows + i * ld, ld, panel, from + i * ldf + c, ldf, to + i * ldt + c, ldt);
  }
}
inlined long slot(long tick, long slots) { return (tick + slots) % slots; }
inlined void zero(float* x, int n) { for (int j = 0; j < n; j++) x[j] = 0.f; }

// The sums of `m` ticks that do not depend on each other: one product where all examples are ours, else one a tick.
static void product(long t, long m, long first, long last, long B, int N, int K, const float* rows, const float* packed,
                    const float* from, long tick, long row, float* to) {
  from += t * tick; to += t * B * N;
  if (first == 0 && last == B && (tick == B * row || m == 1)) { matrix(m * B, N, K, rows, K, packed, from, row, to, N); return; }
  for (long u = 0; u < m; u++)
    matrix(last - first, N, K, rows + (u * B + first) * K, K, packed, from + u * tick + first * row, row, to + (u * B + first) * N, N);
}
// Gradients of those sums, given to the value that they read `delay` ticks before.
static void product_back(long t, long m, long first, long last, long B, int N, int K, const float* sums, const float* packed,
                         float* gradients, long slots, long delay) {
  sums += t * B * K;
  for (long u = 0; u < m; u++) {
    float* to = gradients + (slot(t + u - delay, slots) * B + first) * N;
    if (first == 0 && last == B && slot(t - delay, slots) + m <= slots) { matrix(m * B, N, K, sums, K, packed, to, N, to, N); return; }
    matrix(last - first, N, K, sums + (u * B + first) * K, K, packed, to, N, to, N);
  }
}

// A weight as panels of columns: (N, K) becomes [N / PANEL][K][PANEL], the rest of the last panel zeros; rows begin at column `start` of
// `width`. `turned` packs its transpose, whose inner size is `width`.
extern "C" int panel_width() { return PANEL; }
extern "C" void pack(float* to, const float* weight, long N, long K, long start, long width, int turned) {
  if (turned) {
    for (long c = 0; c < K; c += PANEL)
      for (long n = 0; n < N; n++)
        for (long j = 0; j < PANEL; j++) to[c * width + (start + n) * PANEL + j] = c + j < K ? weight[n * K + c + j] : 0.f;
    return;
  }
  for (long n = 0; n < N;) {
    const long at = start + n, lane = at % PANEL, many = N - n < PANEL - lane ? N - n : PANEL - lane;
    float* panel = to + (at - lane) * K + lane;
    for (long k = 0; k < K; k++) for (long j = 0; j < many; j++) panel[k * PANEL + j] = weight[(n + j) * K + k];
    n += many;
  }
  for (long at = start + N; start + N == width && at % PANEL; at++)
    for (long k = 0; k < K; k++) to[(at - at % PANEL) * K + k * PANEL + at % PANEL] = 0.f;
}
"""
