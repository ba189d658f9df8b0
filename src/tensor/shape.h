/*
** Shapes and dtypes: small values, copied freely. A shape has at most MLP_MAX_DIMS axes; axes
** count from 0 in C and from 1 in every message and in Lua. An axis of length 0 is legal.
*/
#ifndef MLP_TENSOR_SHAPE_H
#define MLP_TENSOR_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { MLP_MAX_DIMS = 8, MLP_SHAPE_TEXT = 192 };

typedef enum { MLP_F32, MLP_F64, MLP_I64, MLP_U8, MLP_DTYPES } mlp_dtype;

typedef struct {
  int ndim;
  int64_t dim[MLP_MAX_DIMS];
} mlp_shape;

const char *mlp_dtype_name(mlp_dtype dtype);
size_t mlp_dtype_bytes(mlp_dtype dtype);
static inline bool mlp_is_float(mlp_dtype dtype) { return dtype <= MLP_F64; }

/* Product of the axes; 1 for a shape without axes. */
int64_t mlp_shape_count(const mlp_shape *s);
bool mlp_shape_equal(const mlp_shape *a, const mlp_shape *b);

/* Refuses more than MLP_MAX_DIMS axes, a negative axis, or a count beyond 2^48 elements. */
mlp_status mlp_shape_check(const mlp_shape *s, const char *who, mlp_error *e);

/* "(32, 64)", "(5,)", "()": into a buffer of MLP_SHAPE_TEXT, which is returned. */
const char *mlp_shape_text(char *text, const mlp_shape *s);

/* Row-major strides, in elements. */
void mlp_shape_strides(int64_t *stride, const mlp_shape *s);

/* The shape that a and b broadcast to: axes are aligned at the end, 1 stretches. `who` names the
** call in the refusal. */
mlp_status mlp_shape_broadcast(mlp_shape *out, const mlp_shape *a, const mlp_shape *b,
                               const char *who, mlp_error *e);

/* Turns -1 (the last), -2, ... into 0 .. ndim-1 and refuses what lies outside. */
mlp_status mlp_axis_resolve(int64_t *axis, int ndim, const char *who, mlp_error *e);

#endif
