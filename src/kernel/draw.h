/*
** Random numbers into arrays: each kernel fills dst[0 .. n) with elements start .. start + n of the
** draw (seed, serial), so a piece drawn alone equals the same piece of the whole. One element takes
** one Philox word in float32 and in masks (element i: word i % 4 of block i / 4), two in float64.
**
**   uniform   low + (high - low) u, u with 24 bits (53 in float64), never high; the bits of the
**             result do not depend on the instruction set
**   normal    Box and Muller 1958: elements 2k and 2k + 1 are the two halves of one pair,
**             r cos(2 pi v) and r sin(2 pi v), r = sqrt(-2 ln u); |z| < 6.8 (8.7 in float64)
**   keep      1 with probability ceil(p 2^32) / 2^32, otherwise 0
*/
#ifndef MLP_KERNEL_DRAW_H
#define MLP_KERNEL_DRAW_H

#include <stdint.h>

typedef struct {
  uint64_t seed, serial;
  int64_t start;
} mlp_draw;

typedef struct {
  void (*words)(uint32_t *dst, mlp_draw d, int64_t n);
  /* [0] float, [1] double */
  void (*uniform[2])(void *dst, double low, double high, mlp_draw d, int64_t n);
  void (*normal[2])(void *dst, double mean, double deviation, mlp_draw d, int64_t n);
  void (*keep)(uint8_t *dst, double p, mlp_draw d, int64_t n);
  /* y = x * factor where keep is not 0, otherwise 0 */
  void (*drop[2])(void *y, const void *x, const uint8_t *keep, double factor, int64_t n);
} mlp_draw_kernels;

#endif
