/*
** Walking over strided data: what movement, indexing and assignment share. Strides are in elements,
** may be 0 (a stretched source) or negative (a reversed one), and never belong to a kernel: loops
** over axes end here, kernels see one or two axes.
*/
#ifndef MLP_OP_STRIDED_H
#define MLP_OP_STRIDED_H

#include "tensor/tensor.h"

/*
** dst[i] = src[i] for every index i of `shape`, elements of `bytes` bytes (1, 4 or 8). The two must
** not overlap, and no two indices may meet in one element of dst.
*/
void mlp_copy_strided(void *dst, const int64_t *dst_stride, const void *src,
                      const int64_t *src_stride, const mlp_shape *shape, size_t bytes);

/* The numbers of t in row-major order into dst. */
void mlp_copy_packed(void *dst, const mlp_tensor *t);

/* The strides by which t is read as `shape`, to which it must broadcast. */
void mlp_stretched_strides(int64_t *stride, const mlp_tensor *t, const mlp_shape *shape);

/* Do two indices of t meet in one element? Then t cannot be written. */
bool mlp_repeats_itself(const mlp_tensor *t);

#endif
