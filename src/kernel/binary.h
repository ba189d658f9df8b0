/*
** Functions of two numbers over contiguous arrays. Three forms: array with array, array with one
** number, one number with array. The result may be written over either array exactly (the same
** first element), never over a shifted one.
*/
#ifndef MLP_KERNEL_BINARY_H
#define MLP_KERNEL_BINARY_H

#include <stdint.h>

typedef enum {
#define BINARY(name, kind, on_floats, on_integers) MLP_BINARY_##name,
#include "kernel/binary.def"
#undef BINARY
  MLP_BINARY_COUNT
} mlp_binary_id;

typedef enum { MLP_VV, MLP_VS, MLP_SV, MLP_BINARY_FORMS } mlp_binary_form;

typedef void mlp_binary_kernel(void *y, const void *a, const void *b, int64_t n);

typedef struct {
  /* run[dtype][function][form]; dtypes in the order float32, float64, int64, uint8; NULL where a
  ** dtype has no such function. An integer divided by 0 gives 0: whoever calls refuses it first. */
  mlp_binary_kernel *const (*run[4])[MLP_BINARY_FORMS];
} mlp_binary_kernels;

#endif
