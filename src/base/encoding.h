/*
** Numbers as files hold them but tensors do not: integers of 1 to 4 bytes, which int64 holds all,
** and floats of 16 bits, which float32 holds all. Widening is exact. Narrowing refuses an integer
** that does not fit and rounds a float to the nearest, ties to even, as IEEE 754 has it: beyond
** the largest it becomes infinite, NaN stays NaN.
*/
#ifndef MLP_BASE_ENCODING_H
#define MLP_BASE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>

typedef enum {
  MLP_AS_INT8,
  MLP_AS_INT16,
  MLP_AS_INT24,
  MLP_AS_INT32,
  MLP_AS_UINT16,
  MLP_AS_UINT32,
  MLP_AS_FLOAT16,  /* IEEE 754 binary16 */
  MLP_AS_BFLOAT16, /* the upper half of a float32 */
  MLP_ENCODINGS
} mlp_encoding;

const char *mlp_encoding_name(mlp_encoding e);
size_t mlp_encoding_bytes(mlp_encoding e);

/* True: it widens to float; false: to int64_t. */
bool mlp_encoding_is_float(mlp_encoding e);

/* n numbers from bytes of either order, aligned or not, to floats or int64s. */
void mlp_widen(mlp_encoding e, void *to, const void *from, size_t n, bool big_endian);

/* n floats or int64s to little-endian bytes. Stops at the first number that does not fit; returns
** how many were written. */
size_t mlp_narrow(mlp_encoding e, void *to, const void *from, size_t n);

#endif
