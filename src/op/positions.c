#include "op/positions.h"

#include "op/position.h"

mlp_status mlp_check_positions(const mlp_call *c, int i, int64_t length, mlp_error *e) {
  const int64_t *place = mlp_in(c, i);
  int64_t n = mlp_tensor_count(c->in[i]);
  char text[MLP_POSITION_TEXT];
  for (int64_t k = 0; k < n; k++) {
    if (place[k] >= 1 && place[k] <= length) continue;
    mlp_position_text(text, c, i, k);
    if (length == 0)
      return mlp_refuse(e, "%s: %s is %lld, but the axis has length 0", c->row->name, text,
                        (long long)place[k]);
    return mlp_refuse(e, "%s: %s is %lld, but positions count from 1 to %lld", c->row->name, text,
                      (long long)place[k], (long long)length);
  }
  return MLP_OK;
}
