#include "base/encoding.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef enum { SIGNED, UNSIGNED, HALF, BRAIN } kind;

static const struct {
  const char *name;
  size_t bytes;
  kind kind;
} table[MLP_ENCODINGS] = {
    [MLP_AS_INT8] = {"int8", 1, SIGNED},       [MLP_AS_INT16] = {"int16", 2, SIGNED},
    [MLP_AS_INT24] = {"int24", 3, SIGNED},     [MLP_AS_INT32] = {"int32", 4, SIGNED},
    [MLP_AS_UINT16] = {"uint16", 2, UNSIGNED}, [MLP_AS_UINT32] = {"uint32", 4, UNSIGNED},
    [MLP_AS_FLOAT16] = {"float16", 2, HALF},   [MLP_AS_BFLOAT16] = {"bfloat16", 2, BRAIN},
};

const char *mlp_encoding_name(mlp_encoding e) { return table[e].name; }
size_t mlp_encoding_bytes(mlp_encoding e) { return table[e].bytes; }
bool mlp_encoding_is_float(mlp_encoding e) { return table[e].kind >= HALF; }

/* ---- one float ------------------------------------------------------------------------------- */

static float float_of(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

static uint32_t bits_of(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

/* A sign, 5 bits of exponent (biased by 15), 10 of fraction; float32 has 8 (127) and 23. */
static float widen_half(uint32_t half) {
  uint32_t sign = (half & 0x8000) << 16, exponent = half >> 10 & 31, fraction = half & 1023;
  if (exponent == 31) return float_of(sign | 0x7f800000 | fraction << 13);
  if (exponent == 0) return copysignf((float)fraction * 0x1p-24f, float_of(sign));
  return float_of(sign | (exponent + 127 - 15) << 23 | fraction << 13);
}

/* Adds just under half of the last place that stays, and one more when that place is odd. */
static uint32_t rounded(uint32_t bits, int dropped) {
  return (bits + (1u << (dropped - 1)) - 1 + (bits >> dropped & 1)) >> dropped;
}

static uint32_t narrow_half(float f) {
  uint32_t bits = bits_of(f), sign = bits >> 16 & 0x8000, size = bits & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00 | (size >> 13 & 0x1ff);
  if (size >= bits_of(65520.f)) return sign | 0x7c00; /* halfway from the largest to 2^16 */
  if (size < bits_of(0x1p-14f)) /* subnormal: 0.5f has its last place at 2^-24 */
    return sign | (bits_of(float_of(size) + 0.5f) - bits_of(0.5f));
  return sign | rounded(size - ((uint32_t)(127 - 15) << 23), 13);
}

static uint32_t narrow_brain(float f) {
  uint32_t bits = bits_of(f);
  if ((bits & 0x7fffffff) > 0x7f800000) return bits >> 16 | 0x40; /* quiet: still NaN */
  return rounded(bits, 16);
}

/* ---- many ------------------------------------------------------------------------------------ */

static uint32_t read_bits(const unsigned char *p, size_t bytes, bool big_endian) {
  uint32_t bits = 0;
  for (size_t i = 0; i < bytes; i++) bits |= (uint32_t)p[big_endian ? bytes - 1 - i : i] << 8 * i;
  return bits;
}

static int64_t with_sign(uint32_t bits, size_t bytes) {
  int64_t top = (int64_t)1 << (8 * bytes - 1);
  return ((int64_t)bits ^ top) - top;
}

void mlp_widen(mlp_encoding e, void *to, const void *from, size_t n, bool big_endian) {
  size_t bytes = table[e].bytes;
  const unsigned char *p = from;
  float *floats = to;
  int64_t *integers = to;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = read_bits(p + i * bytes, bytes, big_endian);
    switch (table[e].kind) {
      case SIGNED: integers[i] = with_sign(bits, bytes); break;
      case UNSIGNED: integers[i] = bits; break;
      case HALF: floats[i] = widen_half(bits); break;
      case BRAIN: floats[i] = float_of(bits << 16); break;
    }
  }
}

static bool fits(int64_t value, mlp_encoding e) {
  int64_t count = (int64_t)1 << 8 * table[e].bytes;
  int64_t least = table[e].kind == SIGNED ? -count / 2 : 0;
  return value >= least && value < least + count;
}

size_t mlp_narrow(mlp_encoding e, void *to, const void *from, size_t n) {
  size_t bytes = table[e].bytes;
  unsigned char *p = to;
  const float *floats = from;
  const int64_t *integers = from;
  for (size_t i = 0; i < n; i++) {
    uint32_t bits = 0;
    switch (table[e].kind) {
      case HALF: bits = narrow_half(floats[i]); break;
      case BRAIN: bits = narrow_brain(floats[i]); break;
      case SIGNED:
      case UNSIGNED:
        if (!fits(integers[i], e)) return i;
        bits = (uint32_t)integers[i];
    }
    for (size_t b = 0; b < bytes; b++) *p++ = (unsigned char)(bits >> 8 * b);
  }
  return n;
}
