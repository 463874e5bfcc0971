"""The part of generated C++ that is the same for every loop: how wide vectors are, and a small matrix product."""

from __future__ import annotations

VECTORS = r"""
#if defined(__AVX512F__)
enum { BYTES = 64, ROWS = 6, WIDE = 4 };
#elif defined(__AVX__)
enum { BYTES = 32, ROWS = 6, WIDE = 2 };
#elif defined(__aarch64__)
enum { BYTES = 16, ROWS = 6, WIDE = 4 };
#else
enum { BYTES = 16, ROWS = 6, WIDE = 2 };
#endif
enum { LANES = BYTES / sizeof(num), PANEL = WIDE * LANES };
typedef num vec __attribute__((vector_size(BYTES), aligned(sizeof(num)), may_alias));
#define inlined static inline __attribute__((always_inline))

// VECTOR_LIBM: glibc's libmvec has these for whole vectors; without it they are computed one by one.
#ifdef VECTOR_LIBM
#define vectorised __attribute__((simd("notinbranch"), const))
#else
#define vectorised __attribute__((const))
#endif
"""
"""Over `num`, which is `float` or `double`."""

PRODUCT_CALLS = r"""
#define hidden extern "C" __attribute__((visibility("hidden")))
// The sums of `m` ticks that do not depend on each other: one product where all examples are ours, else one a tick.
hidden void product(long t, long m, long first, long last, long B, int N, int K, const num* rows, const num* packed,
                    const num* from, long tick, long row, num* to);
// Gradients of those sums, given to the value that they read `delay` ticks before.
hidden void product_back(long t, long m, long first, long last, long B, int N, int K, const num* sums, const num* packed,
                         num* gradients, long slots, long delay);
inlined long slot(long tick, long slots) { return (tick + slots) % slots; }
inlined void zero(num* x, int n) { for (int j = 0; j < n; j++) x[j] = num(0); }
"""
"""What loops call."""

PRODUCT = r"""
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
// to[R, V * LANES] = from + rows[R, K] * the first columns of panel[K, PANEL]
template <int R, int V>
inlined void tile(int K, const num* rows, long ld, const num* panel, const num* from, long ldf, num* to, long ldt) {
  vec sums[R][V];
  UNROLL for (int i = 0; i < R; i++) UNROLL for (int v = 0; v < V; v++) sums[i][v] = *(const vec*)(from + i * ldf + v * LANES);
  for (int k = 0; k < K; k++) {
    vec x[V];
    UNROLL for (int v = 0; v < V; v++) x[v] = *(const vec*)(panel + k * PANEL + v * LANES);
    UNROLL for (int i = 0; i < R; i++) { const num s = rows[i * ld + k]; UNROLL for (int v = 0; v < V; v++) sums[i][v] += s * x[v]; }
  }
  UNROLL for (int i = 0; i < R; i++) UNROLL for (int v = 0; v < V; v++) *(vec*)(to + i * ldt + v * LANES) = sums[i][v];
}
template <int R> static void tiles(int w, int K, const num* rows, long ld, const num* panel, const num* from, long ldf, num* to, long ldt) {
  if (w == PANEL) { tile<R, WIDE>(K, rows, ld, panel, from, ldf, to, ldt); return; }
  num edge[R * PANEL];
  for (int i = 0; i < R; i++) for (int j = 0; j < PANEL; j++) edge[i * PANEL + j] = j < w ? from[i * ldf + j] : num(0);
  if (2 * w <= PANEL) tile<R, WIDE / 2>(K, rows, ld, panel, edge, PANEL, edge, PANEL);
  else tile<R, WIDE>(K, rows, ld, panel, edge, PANEL, edge, PANEL);
  for (int i = 0; i < R; i++) for (int j = 0; j < w; j++) to[i * ldt + j] = edge[i * PANEL + j];
}
// to[M, N] = from + rows[M, K] * packed; `to` may be `from`
static void matrix(long M, int N, int K, const num* rows, long ld, const num* packed, const num* from, long ldf, num* to, long ldt) {
  for (int c = 0; c < N; c += PANEL) {
    const num* panel = packed + (long)c * K;
    const int w = N - c < PANEL ? N - c : PANEL;
    long i = 0;
    for (; i + ROWS <= M; i += ROWS) tiles<ROWS>(w, K, rows + i * ld, ld, panel, from + i * ldf + c, ldf, to + i * ldt + c, ldt);
    for (; i + 4 <= M; i += 4) tiles<4>(w, K, rows + i * ld, ld, panel, from + i * ldf + c, ldf, to + i * ldt + c, ldt);
    for (; i + 2 <= M; i += 2) tiles<2>(w, K, rows + i * ld, ld, panel, from + i * ldf + c, ldf, to + i * ldt + c, ldt);
    for (; i < M; i++) tiles<1>(w, K, rows + i * ld, ld, panel, from + i * ldf + c, ldf, to + i * ldt + c, ldt);
  }
}
void product(long t, long m, long first, long last, long B, int N, int K, const num* rows, const num* packed,
             const num* from, long tick, long row, num* to) {
  from += t * tick; to += t * B * N;
  if (first == 0 && last == B && (tick == B * row || m == 1)) { matrix(m * B, N, K, rows, K, packed, from, row, to, N); return; }
  for (long u = 0; u < m; u++)
    matrix(last - first, N, K, rows + (u * B + first) * K, K, packed, from + u * tick + first * row, row, to + (u * B + first) * N, N);
}
void product_back(long t, long m, long first, long last, long B, int N, int K, const num* sums, const num* packed,
                  num* gradients, long slots, long delay) {
  sums += t * B * K;
  for (long u = 0; u < m; u++) {
    num* to = gradients + (slot(t + u - delay, slots) * B + first) * N;
    if (first == 0 && last == B && slot(t - delay, slots) + m <= slots) { matrix(m * B, N, K, sums, K, packed, to, N, to, N); return; }
    matrix(last - first, N, K, sums + (u * B + first) * K, K, packed, to, N, to, N);
  }
}

// A weight as panels of columns: (N, K) becomes [N / PANEL][K][PANEL], the rest of the last panel zeros; rows begin at column `start` of
// `width`. `turned` packs its transpose, whose inner size is `width`.
extern "C" int panel_width() { return PANEL; }
extern "C" void pack(num* to, const num* weight, long N, long K, long start, long width, int turned) {
  if (turned) {
    for (long c = 0; c < K; c += PANEL)
      for (long n = 0; n < N; n++)
        for (long j = 0; j < PANEL; j++) to[c * width + (start + n) * PANEL + j] = c + j < K ? weight[n * K + c + j] : num(0);
    return;
  }
  for (long n = 0; n < N;) {
    const long at = start + n, lane = at % PANEL, many = N - n < PANEL - lane ? N - n : PANEL - lane;
    num* panel = to + (at - lane) * K + lane;
    for (long k = 0; k < K; k++) for (long j = 0; j < many; j++) panel[k * PANEL + j] = weight[(n + j) * K + k];
    n += many;
  }
  for (long at = start + N; start + N == width && at % PANEL; at++)
    for (long k = 0; k < K; k++) to[(at - at % PANEL) * K + k * PANEL + at % PANEL] = num(0);
}
"""
"""Weights packed as panels; a product keeps a tile of its result in registers, wide enough to load less than it multiplies, which counts
where two threads share a core. Takes three times as long to compile as a loop."""
