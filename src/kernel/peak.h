/*
** The arithmetic peak of one core, as the benchmark measures it: twelve independent chains of
** multiply-and-add in registers, enough to hide the latency of the units.
*/
#ifndef MLP_KERNEL_PEAK_H
#define MLP_KERNEL_PEAK_H

#include <stdint.h>

typedef struct {
  /* Does `rounds` rounds and returns a number that depends on all of them; *flops is how many
  ** floating-point operations that were. */
  float (*chains)(int64_t rounds, double *flops);
} mlp_peak_kernels;

#endif
