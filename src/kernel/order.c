/*
** Sorting of (key, place) pairs: short runs by insertion, up to a thousand by merging, more by
** counting bytes. All three are stable; none depends on an instruction set.
*/
#include "kernel/order.h"

#include <string.h>

enum {
  RUN = 16,           /* short runs are sorted by insertion */
  RADIX_LEAST = 1024, /* from here on counting beats merging */
  DIGITS = 8,
  DIGIT_VALUES = 256
};

/* ---- keys ------------------------------------------------------------------------------------ */

/* A negative float has its order reversed, a positive one stands above it. */
static inline uint64_t key_f32(float v) {
  uint32_t bits;
  if (v != v) return UINT32_MAX;
  v += 0.0f; /* -0 becomes 0 */
  memcpy(&bits, &v, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static inline uint64_t key_f64(double v) {
  uint64_t bits;
  if (v != v) return UINT64_MAX;
  v += 0.0;
  memcpy(&bits, &v, sizeof bits);
  return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

static inline uint64_t key_i64(int64_t v) { return (uint64_t)v ^ (uint64_t)1 << 63; }
static inline uint64_t key_u8(uint8_t v) { return v; }

/* Descending flips the bits that the type uses. */
#define KEYS(T, dtype, used)                                                                      \
  static void keys_##dtype(mlp_ordered *item, const void *x, int64_t from, int64_t n,             \
                           int64_t stride, bool descending) {                                     \
    uint64_t flip = descending ? (used) : 0;                                                      \
    for (int64_t i = 0; i < n; i++)                                                               \
      item[i] = (mlp_ordered){key_##dtype(((const T *)x)[(from + i) * stride]) ^ flip, from + i}; \
  }
KEYS(float, f32, UINT32_MAX)
KEYS(double, f64, UINT64_MAX)
KEYS(int64_t, i64, UINT64_MAX)
KEYS(uint8_t, u8, UINT8_MAX)

mlp_order_keys *const mlp_order_keys_of[4] = {keys_f32, keys_f64, keys_i64, keys_u8};

/* ---- sorting --------------------------------------------------------------------------------- */

static void insert_sort(mlp_ordered *a, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    mlp_ordered moved = a[i];
    int64_t j = i;
    for (; j > 0 && a[j - 1].key > moved.key; j--) a[j] = a[j - 1];
    a[j] = moved;
  }
}

/* to = a[0 .. middle) and a[middle .. n) merged; of equal keys the left one comes first. */
static void merge(mlp_ordered *to, const mlp_ordered *a, int64_t middle, int64_t n) {
  int64_t left = 0, right = middle;
  for (int64_t i = 0; i < n; i++) {
    bool take_left = right >= n || (left < middle && a[left].key <= a[right].key);
    to[i] = a[take_left ? left : right];
    left += take_left, right += !take_left;
  }
}

static mlp_ordered *merge_sort(mlp_ordered *item, mlp_ordered *room, int64_t n) {
  for (int64_t i = 0; i < n; i += RUN) insert_sort(item + i, n - i < RUN ? n - i : RUN);
  for (int64_t width = RUN; width < n; width *= 2) {
    for (int64_t i = 0; i < n; i += 2 * width) {
      int64_t left = n - i;
      merge(room + i, item + i, left < width ? left : width, left < 2 * width ? left : 2 * width);
    }
    mlp_ordered *swap = item;
    item = room, room = swap;
  }
  return item;
}

/* One pass per byte of the key, the lowest first; bytes that are the same everywhere are skipped.
** */
static mlp_ordered *radix_sort(mlp_ordered *item, mlp_ordered *room, int64_t n) {
  int64_t count[DIGITS][DIGIT_VALUES] = {{0}};
  for (int64_t i = 0; i < n; i++)
    for (int d = 0; d < DIGITS; d++) count[d][item[i].key >> 8 * d & 255]++;
  for (int d = 0; d < DIGITS; d++) {
    if (count[d][item[0].key >> 8 * d & 255] == n) continue;
    int64_t start = 0;
    for (int v = 0; v < DIGIT_VALUES; v++) {
      int64_t here = count[d][v];
      count[d][v] = start;
      start += here;
    }
    for (int64_t i = 0; i < n; i++) room[count[d][item[i].key >> 8 * d & 255]++] = item[i];
    mlp_ordered *swap = item;
    item = room, room = swap;
  }
  return item;
}

mlp_ordered *mlp_order_sort(mlp_ordered *item, mlp_ordered *room, int64_t n) {
  return n < RADIX_LEAST ? merge_sort(item, room, n) : radix_sort(item, room, n);
}

/* Most items lose against the last of the best at once. */
int64_t mlp_order_select(mlp_ordered *best, int64_t held, int64_t k, const mlp_ordered *item,
                         int64_t n) {
  for (int64_t i = 0; k > 0 && i < n; i++) {
    if (held == k && item[i].key >= best[k - 1].key) continue;
    int64_t j = held < k ? held++ : k - 1;
    for (; j > 0 && best[j - 1].key > item[i].key; j--) best[j] = best[j - 1];
    best[j] = item[i];
  }
  return held;
}
