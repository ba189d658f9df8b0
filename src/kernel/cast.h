/*
** From one dtype to another. Floats become whole numbers by dropping the fraction; whoever calls
** has asked `misfit` first, since what does not fit has no meaning in C.
*/
#ifndef MLP_KERNEL_CAST_H
#define MLP_KERNEL_CAST_H

#include <stddef.h>
#include <stdint.h>

typedef void mlp_cast_kernel(void *y, const void *x, int64_t n);

/* The place of the first number that the target cannot hold (NaN, out of range); -1: all fit. */
typedef int64_t mlp_misfit_kernel(const void *x, int64_t n);

typedef struct {
  mlp_cast_kernel *run[4][4];      /* run[from][to]; float32, float64, int64, uint8 */
  mlp_misfit_kernel *misfit[4][4]; /* NULL where everything fits */
} mlp_cast_kernels;

#endif
