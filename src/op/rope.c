/*
** rope: rotary positions. Pair i of a head of width D at position t is turned by the angle
** t base^(-2i/D), so that the product of a query and a key depends on how far apart they stand. The
** derivative is the turn back. The angles of a position follow from the one before by adding, in
** double precision: D / 2 sines are computed, not T D / 2.
*/
#include <math.h>

#include "kernel/kernel.h"
#include "op/build.h"

extern const mlp_row mlp_row_rope;

enum { BASE, OFFSET, PAIRS, INVERSE, VALUES };
static const char *const PAIRINGS[] = {"neighbours", "halves", NULL};

static int64_t from_end(const mlp_tensor *t, int axis) {
  return t->shape.dim[t->shape.ndim - axis];
}

static mlp_status rope_infer(mlp_call *c, mlp_error *e) {
  const mlp_tensor *x = c->in[0];
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(mlp_want_ndim(c, 0, 3, MLP_MAX_DIMS, e));
  if (from_end(x, 1) % 2 != 0)
    return mlp_refuse(e, "rope: heads are %lld wide but pairs want an even width",
                      (long long)from_end(x, 1));
  if (!(c->value[BASE].number > 0))
    return mlp_refuse(e, "rope: base is %g but a positive number is wanted", c->value[BASE].number);
  c->work_bytes = (size_t)(from_end(x, 3) * from_end(x, 1)) * mlp_dtype_bytes(x->dtype);
  return mlp_out_like(c, x, e);
}

static void put(void *table, mlp_dtype dtype, int64_t i, double value) {
  if (dtype == MLP_F32)
    ((float *)table)[i] = (float)value;
  else
    ((double *)table)[i] = value;
}

/* cos and sin (T, pairs), one after the other in the workspace. */
static void fill_tables(const mlp_call *c, int64_t T, int64_t pairs) {
  mlp_dtype dtype = c->in[0]->dtype;
  char *cosines = c->work, *sines = cosines + (size_t)(T * pairs) * mlp_dtype_bytes(dtype);
  for (int64_t i = 0; i < pairs; i++) {
    double angle = pow(c->value[BASE].number, -(double)i / (double)pairs);
    double first = angle * (double)c->value[OFFSET].integer;
    double x = cos(first), y = sin(first), dx = cos(angle), dy = sin(angle);
    for (int64_t t = 0; t < T; t++) {
      put(cosines, dtype, t * pairs + i, x);
      put(sines, dtype, t * pairs + i, c->value[INVERSE].integer ? -y : y);
      double turned = x * dx - y * dy;
      y = x * dy + y * dx;
      x = turned;
    }
  }
}

static void rope_run(mlp_call *c) {
  const mlp_tensor *x = c->in[0];
  int64_t T = from_end(x, 3), H = from_end(x, 2), D = from_end(x, 1);
  int64_t count = mlp_tensor_count(x), batch = count ? count / (T * H * D) : 0;
  size_t bytes = mlp_dtype_bytes(x->dtype), row = (size_t)(D / 2) * bytes;
  const char *from = mlp_tensor_data(x), *cosines = c->work;
  char *to = mlp_result(c, 0);
  if (count) fill_tables(c, T, D / 2);
  for (int64_t i = 0; i < batch * T; i++) {
    const char *turn = cosines + (size_t)(i % T) * row;
    mlp_kernel()->rows.rotate[x->dtype](to, from, turn, turn + (size_t)T * row,
                                        c->value[PAIRS].integer == 1, H, D);
    from += (size_t)(H * D) * bytes;
    to += (size_t)(H * D) * bytes;
  }
}

static void rope_vjp(mlp_vjp *v) {
  mlp_value value[VALUES];
  for (int k = 0; k < VALUES; k++) value[k] = *mlp_value_of(v, k);
  value[INVERSE].integer = !value[INVERSE].integer;
  mlp_give_grad(v, 0, mlp_emit(v, &mlp_row_rope, MLP_IN(mlp_grad_out(v, 0)), VALUES, value));
}

/* A position's angle is its place along the third axis from the end: that one is never cut. */
static void rope_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  if (in[0].spread == MLP_ROWS && in[0].axis != c->in[0]->shape.ndim - 3 &&
      in[0].axis != c->in[0]->shape.ndim - 1)
    out[0] = in[0];
  else
    mlp_tiling_whole(c, in, out);
}

const mlp_row mlp_row_rope = {
    .name = "rope",
    .doc =
        "Pairs of numbers turned by the angle t base^(-2i/D), t the position, i the pair\n"
        "Su et al. 2021. Pairs lie side by side, as in the paper and in Llama's own files, or half "
        "a head apart, as in GPT-NeoX.",
    .arg = {{MLP_ARG_TENSOR, "input", "x (..., T, H, D), D even", NULL, NULL, false},
            {MLP_ARG_NUMBER, "base", "of the angles", "10000", NULL, true},
            {MLP_ARG_INTEGER, "offset", "position of the first of the T, from 0", "0", NULL, true},
            {MLP_ARG_CHOICE, "pairs", "which numbers are turned together", "neighbours", PAIRINGS,
             true},
            {MLP_ARG_FLAG, "inverse", "turns back", "false", NULL, true}},
    .flags = MLP_IN_PLACE,
    .n_out = 1,
    .infer = rope_infer,
    .run = rope_run,
    .vjp = rope_vjp,
    .tiling = rope_tiling,
};
