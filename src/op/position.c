#include "op/position.h"

#include <stdio.h>

const char *mlp_position_text(char text[static MLP_POSITION_TEXT], const mlp_call *c, int i,
                              int64_t place) {
  const mlp_shape *s = &c->in[i]->shape;
  int64_t at[MLP_MAX_DIMS];
  if (c->cut >> (i < 63 ? i : 63) & 1) place += mlp_elements_before(c, mlp_tensor_count(c->in[i]));
  for (int axis = s->ndim - 1; axis >= 0; axis--) {
    bool outermost = axis == 0; /* of a part of a batch it runs past the part */
    at[axis] = (outermost ? place : place % s->dim[axis]) + 1;
    place /= s->dim[axis];
  }
  int n = snprintf(text, MLP_POSITION_TEXT, "%s", mlp_in_name(c, i));
  for (int axis = 0; axis < s->ndim && n < MLP_POSITION_TEXT; axis++)
    n += snprintf(text + n, (size_t)(MLP_POSITION_TEXT - n), axis ? ", %lld" : "[%lld",
                  (long long)at[axis]);
  if (s->ndim > 0 && n < MLP_POSITION_TEXT)
    snprintf(text + n, (size_t)(MLP_POSITION_TEXT - n), "]");
  return text;
}
