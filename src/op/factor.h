/*
** Tensors as factors of a product, for rows that are MLP_MATRICES: the last two axes of an input
** are contiguous, or exchanged and then contiguous.
*/
#ifndef MLP_OP_FACTOR_H
#define MLP_OP_FACTOR_H

#include "kernel/blas.h"
#include "op/op.h"

/* The first matrix of t; a vector is one row. */
static inline mlp_factor mlp_factor_of(const mlp_tensor *t) {
  int n = t->shape.ndim;
  bool swapped = n >= 2 && !mlp_tensor_contiguous(t);
  return (mlp_factor){mlp_tensor_data(t), t->shape.dim[swapped ? n - 2 : n - 1], swapped};
}

static inline mlp_factor mlp_factor_turned(mlp_factor f) {
  f.swapped = !f.swapped;
  return f;
}

/* The factor `elements` further on. */
static inline mlp_factor mlp_factor_after(mlp_factor f, int64_t elements, mlp_dtype dtype) {
  f.data = (const char *)f.data + elements * (int64_t)mlp_dtype_bytes(dtype);
  return f;
}

/* C (m, n) = op(A) op(B) + beta C, C contiguous. */
static inline void mlp_multiply(mlp_dtype dtype, void *c, mlp_factor a, mlp_factor b, double beta,
                                int64_t m, int64_t n, int64_t k) {
  if (dtype == MLP_F32)
    mlp_gemm_f32(c, n, a, b, 1, (float)beta, m, n, k);
  else
    mlp_gemm_f64(c, n, a, b, 1, beta, m, n, k);
}

#endif
