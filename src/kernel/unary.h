/*
** Functions of one number, and their derivatives, over contiguous arrays. The result may be written
** over an operand exactly (the same first element), never over a shifted one.
*/
#ifndef MLP_KERNEL_UNARY_H
#define MLP_KERNEL_UNARY_H

#include <stdint.h>

typedef enum {
#define UNARY(name, use, state, loop, parameters, formula, f, f1, f2, f3) MLP_UNARY_##name,
#include "kernel/unary.def"
#undef UNARY
  MLP_UNARY_COUNT
} mlp_unary_id;

/* Orders of differentiation. */
enum { MLP_SLOPE, MLP_CURVE, MLP_BEND, MLP_UNARY_ORDERS };

/* y = f(x; p); p holds the function's parameters, two at most. */
typedef void mlp_unary_value(void *y, const void *x, int64_t n, const double *p);

/* y = g * f'(s; p), f''(s; p) or f'''(s; p): s is the input or the output of f (unary.def says). */
typedef void mlp_unary_chain(void *y, const void *g, const void *s, int64_t n, const double *p);

/* The gradients of f(g; p) v, which share much: dg = u v f'(g; p), dv = u f(g; p). */
typedef void mlp_unary_gated(void *dg, void *dv, const void *u, const void *g, const void *v,
                             int64_t n, const double *p);

typedef struct {
  /* value[dtype][function]; dtypes in the order float32, float64, int64, uint8; NULL where a dtype
  ** has no such function. */
  mlp_unary_value *const *value[4];
  mlp_unary_chain *const (*chain[2])[MLP_UNARY_ORDERS]; /* chain[dtype][function][order] */
  mlp_unary_gated *const *gated[2]; /* gated[dtype][function]; activations only, of no angle */
} mlp_unary_kernels;

#endif
