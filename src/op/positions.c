#include "op/positions.h"

#include <stdio.h>

const char *mlp_place_text(char *text, const mlp_shape *shape, int64_t flat) {
  int64_t at[MLP_MAX_DIMS];
  int n = 0;
  for (int a = shape->ndim - 1; a >= 0; a--) at[a] = flat % shape->dim[a], flat /= shape->dim[a];
  text[0] = '\0';
  for (int a = 0; a < shape->ndim; a++)
    n += snprintf(text + n, (size_t)(MLP_PLACE_TEXT - n), "%s%lld", a ? ", " : "[",
                  (long long)at[a] + 1);
  if (n > 0) snprintf(text + n, (size_t)(MLP_PLACE_TEXT - n), "]");
  return text;
}

mlp_status mlp_check_positions(const mlp_call *c, int i, int64_t length, mlp_error *e) {
  const int64_t *place = mlp_in(c, i);
  int64_t n = mlp_tensor_count(c->in[i]);
  char text[MLP_PLACE_TEXT];
  for (int64_t k = 0; k < n; k++) {
    if (place[k] >= 1 && place[k] <= length) continue;
    mlp_place_text(text, &c->in[i]->shape, k);
    if (length == 0)
      return mlp_refuse(e, "%s: %s%s is %lld, but the axis has length 0", c->row->name,
                        mlp_in_name(c, i), text, (long long)place[k]);
    return mlp_refuse(e, "%s: %s%s is %lld, but positions count from 1 to %lld", c->row->name,
                      mlp_in_name(c, i), text, (long long)place[k], (long long)length);
  }
  return MLP_OK;
}
