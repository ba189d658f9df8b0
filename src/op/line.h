/*
** One axis of a contiguous tensor, seen as `outer` blocks of (n, inner): what the rows along one
** axis (cumsum, prod, argmax, sort) walk over.
*/
#ifndef MLP_OP_LINE_H
#define MLP_OP_LINE_H

#include "op/op.h"

typedef struct {
  int64_t outer, n, inner;
} mlp_lines;

static inline mlp_lines mlp_lines_along(const mlp_shape *s, int64_t axis) {
  mlp_lines l = {1, s->dim[axis], 1};
  for (int64_t a = 0; a < axis; a++) l.outer *= s->dim[a];
  for (int64_t a = axis + 1; a < s->ndim; a++) l.inner *= s->dim[a];
  return l;
}

/* Along the only axis of the resolved list, or all elements as one line. */
static inline mlp_lines mlp_lines_over(const mlp_shape *s, const mlp_value *axes) {
  if (axes->list.n == 1) return mlp_lines_along(s, axes->list.item[0]);
  return (mlp_lines){1, mlp_shape_count(s), 1};
}

#endif
