/*
** A tensor beside itself, several times along each axis.
*/
#include <string.h>

#include "op/build.h"
#include "op/strided.h"

/* x and the repetitions with as many axes as the other: 1 is put in front of the shorter. */
typedef struct {
  mlp_shape x;
  int64_t times[MLP_MAX_DIMS];
} tiling_of;

static tiling_of read_times(const mlp_shape *x, const mlp_value *times) {
  tiling_of t = {.x = {.ndim = x->ndim > times->list.n ? x->ndim : times->list.n}};
  for (int i = 1; i <= t.x.ndim; i++) {
    t.x.dim[t.x.ndim - i] = i <= x->ndim ? x->dim[x->ndim - i] : 1;
    t.times[t.x.ndim - i] = i <= times->list.n ? times->list.item[times->list.n - i] : 1;
  }
  return t;
}

static mlp_status tile_infer(mlp_call *c, mlp_error *e) {
  tiling_of t = read_times(&c->in[0]->shape, &c->value[0]);
  for (int i = 0; i < t.x.ndim; i++) {
    if (t.times[i] < 0)
      return mlp_refuse(e, "tile: %lld times along an axis, but 0 or more is wanted",
                        (long long)t.times[i]);
    if (t.times[i] > 0 && t.x.dim[i] > INT64_MAX / t.times[i])
      return mlp_refuse(e, "tile: %lld times is too often", (long long)t.times[i]);
    t.x.dim[i] *= t.times[i];
  }
  return mlp_out(c, c->in[0]->dtype, &t.x, e);
}

/* What stands in the first `have` bytes is copied behind itself, twice as much each time. */
static void fill_by_copies(char *y, size_t have, size_t all) {
  while (have < all) {
    size_t more = have < all - have ? have : all - have;
    memcpy(y + have, y, more);
    have += more;
  }
}

/* Block i of those that begin where the axes of x before axis a do: its place in the result. */
static int64_t place_of_block(const mlp_shape *x, const int64_t *stride, int a, int64_t i) {
  int64_t place = 0;
  for (int k = a - 1; k >= 0; k--) {
    place += i % x->dim[k] * stride[k];
    i /= x->dim[k];
  }
  return place;
}

/* The elements of x go to their places; then, from the last axis to the first, lines are filled. */
static void tile_run(mlp_call *c) {
  tiling_of t = read_times(&c->in[0]->shape, &c->value[0]);
  int64_t to[MLP_MAX_DIMS], from[MLP_MAX_DIMS], blocks = mlp_shape_count(&t.x);
  size_t bytes = mlp_dtype_bytes(c->spec[0].dtype);
  char *y = mlp_result(c, 0);
  if (mlp_shape_count(&c->spec[0].shape) == 0) return;
  mlp_shape_strides(to, &c->spec[0].shape);
  mlp_shape_strides(from, &t.x);
  mlp_copy_strided(y, to, mlp_in(c, 0), from, &t.x, bytes);
  for (int a = t.x.ndim - 1; a >= 0; a--) {
    size_t once = (size_t)(t.x.dim[a] * to[a]) * bytes;
    blocks /= t.x.dim[a];
    for (int64_t i = 0; i < blocks && t.times[a] > 1; i++)
      fill_by_copies(y + (size_t)place_of_block(&t.x, to, a, i) * bytes, once,
                     once * (size_t)t.times[a]);
  }
}

/* One axis after the other: (outer, times, n, inner) is summed over the times. */
static void tile_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, 0);
  tiling_of t = read_times(&mlp_input(v, 0)->shape, mlp_value_of(v, 0));
  int64_t outer = 1;
  for (int a = 0; g && a < t.x.ndim; a++) {
    int64_t n = t.x.dim[a], inner = 1;
    for (int k = a + 1; k < t.x.ndim; k++) inner *= t.x.dim[k] * t.times[k];
    mlp_shape parts = {.ndim = 4, .dim = {outer, t.times[a], n, inner}};
    if (t.times[a] != 1) g = mlp_sum(v, mlp_reshape(v, g, &parts), 1, false);
    outer *= n;
  }
  mlp_give_grad(v, 0, g ? mlp_reshape(v, g, &mlp_input(v, 0)->shape) : NULL);
}

/* A batch that is repeated is no longer in order. */
static void tile_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  tiling_of t = read_times(&c->in[0]->shape, &c->value[0]);
  int axis = in[0].axis + t.x.ndim - c->in[0]->shape.ndim;
  if (in[0].spread == MLP_ROWS && t.times[axis] == 1)
    out[0] = (mlp_tile){MLP_ROWS, axis, in[0].multiple};
  else
    mlp_tiling_whole(c, in, out);
}

extern const mlp_row mlp_row_tile;
const mlp_row mlp_row_tile = {
    .name = "tile",
    .doc =
        "x beside itself, so many times along each axis: PyTorch's repeat and tile (repeat is a "
        "word of Lua). The shorter of shape and times gets ones in front.",
    .arg = {{MLP_ARG_TENSOR, "x", "of any shape", NULL, NULL, false},
            {MLP_ARG_TIMES, "times", "how often along each axis, side by side or as a list", NULL,
             NULL, false}},
    .n_out = 1,
    .infer = tile_infer,
    .run = tile_run,
    .vjp = tile_vjp,
    .tiling = tile_tiling,
};
