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

/* The axes before the last two. */
static inline mlp_shape mlp_batch_of(const mlp_tensor *t) {
  mlp_shape batch = t->shape;
  batch.ndim = batch.ndim > 2 ? batch.ndim - 2 : 0;
  return batch;
}

/* Which matrix of t, counted from 0, meets matrix `index` of the broadcast batch: the first meets
** the first, and no axis is divided by where the batch is empty. */
static inline int64_t mlp_matrix_of(const mlp_tensor *t, const mlp_shape *batch, int64_t index) {
  int64_t place = 0, step = 1;
  for (int i = batch->ndim - 1, j = t->shape.ndim - 3; index > 0 && i >= 0 && j >= 0; i--, j--) {
    int64_t here = index % batch->dim[i];
    index /= batch->dim[i];
    if (t->shape.dim[j] != 1) place += here * step;
    step *= t->shape.dim[j];
  }
  return place;
}

/* C (m, n) = op(A) op(B) + S, C contiguous. S: NULL, C itself (n apart) or one row (0 apart). */
static inline void mlp_multiply(mlp_dtype dtype, void *c, mlp_factor a, mlp_factor b,
                                const void *onto, int64_t onto_row, int64_t m, int64_t n,
                                int64_t k) {
  if (dtype == MLP_F32)
    mlp_gemm_onto_f32(c, n, a, b, 1, onto != NULL, onto, onto_row, m, n, k);
  else
    mlp_gemm_onto_f64(c, n, a, b, 1, onto != NULL, onto, onto_row, m, n, k);
}

#endif
