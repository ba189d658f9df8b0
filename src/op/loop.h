/*
** The walk of the elementwise rows: broadcast and strided inputs against a contiguous output. The
** kernels know contiguous arrays and single numbers only; the walk cuts the output into spans on
** which every input is one of the two, copying what is neither through a small block on the stack.
** Contiguous inputs of the output's shape are one span, without a copy.
*/
#ifndef MLP_OP_LOOP_H
#define MLP_OP_LOOP_H

#include "op/op.h"

enum { MLP_LOOP_INPUTS = 3 };

typedef struct {
  void *out;
  const void *in[MLP_LOOP_INPUTS];
  int64_t n;       /* elements of out, and of every input that is not a single number */
  unsigned single; /* bit i: in[i] is one number */
} mlp_span;

typedef void mlp_span_run(const mlp_span *span, const void *context);

/* Runs `run` over out[0] of the call and its inputs. Bit i of `may_be_single` says that run takes
** in[i] as a single number; at least one input of a span is always an array. */
void mlp_loop(const mlp_call *c, unsigned may_be_single, mlp_span_run *run, const void *context);

/* The shape of the output: what all inputs broadcast to. */
mlp_status mlp_loop_shape(const mlp_call *c, mlp_shape *shape, mlp_error *e);

#endif
