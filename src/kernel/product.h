/*
** Products that BLAS is not needed for: C (m, n) = alpha op(A) op(B) + beta S, S as in blas.h.
** Either factor is read through two strides (in elements), of which one is 1, so the transposed
** variants are the same function. An element of C is summed over k in order, or, where C has few
** rows or columns, in vector lanes. With beta = 0, S is not read.
*/
#ifndef MLP_KERNEL_PRODUCT_H
#define MLP_KERNEL_PRODUCT_H

#include <stdint.h>

/* Element (i, j) lies at data[i * row + j * column]. */
typedef struct {
  const float *data;
  int64_t row, column;
} mlp_matrix_f32;

typedef struct {
  const double *data;
  int64_t row, column;
} mlp_matrix_f64;

typedef struct {
  void (*f32)(float *c, int64_t ldc, mlp_matrix_f32 a, mlp_matrix_f32 b, float alpha, float beta,
              const float *onto, int64_t onto_row, int64_t m, int64_t n, int64_t k);
  void (*f64)(double *c, int64_t ldc, mlp_matrix_f64 a, mlp_matrix_f64 b, double alpha, double beta,
              const double *onto, int64_t onto_row, int64_t m, int64_t n, int64_t k);
} mlp_product_kernels;

#endif
