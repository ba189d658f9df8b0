/*
** A strided copy is made small before it runs: axes of length 1 go, the rest are ordered by the
** steps of the destination, neighbours that follow each other without a gap on both sides become
** one axis. What is left ends in a run of bytes, a 2-D transposition, or a single strided line.
*/
#include "op/strided.h"

#include <string.h>

#include "kernel/kernel.h"

typedef struct {
  int64_t n, dst, src; /* length and steps of one axis */
} axis;

typedef struct {
  int n;
  axis axis[MLP_MAX_DIMS];
} nest;

static int64_t magnitude(int64_t x) { return x < 0 ? -x : x; }

/* Insertion sort, the largest step of the destination first; false when there is nothing to do. */
static bool sorted_axes(nest *w, const mlp_shape *shape, const int64_t *dst, const int64_t *src) {
  w->n = 0;
  for (int i = 0; i < shape->ndim; i++) {
    if (shape->dim[i] == 0) return false;
    if (shape->dim[i] == 1) continue;
    int place = w->n++;
    while (place > 0 && magnitude(w->axis[place - 1].dst) < magnitude(dst[i])) {
      w->axis[place] = w->axis[place - 1];
      place--;
    }
    w->axis[place] = (axis){shape->dim[i], dst[i], src[i]};
  }
  return true;
}

static void merge_neighbours(nest *w) {
  int last = 0;
  for (int i = 1; i < w->n; i++) {
    axis *outer = &w->axis[last], inner = w->axis[i];
    if (outer->dst == inner.dst * inner.n && outer->src == inner.src * inner.n)
      *outer = (axis){outer->n * inner.n, inner.dst, inner.src};
    else
      w->axis[++last] = inner;
  }
  if (w->n > 0) w->n = last + 1;
}

/* The axis along which the source is contiguous goes next to the innermost; false without one. */
static bool transposes(nest *w) {
  int inner = w->n - 1;
  if (inner < 1 || w->axis[inner].dst != 1 || w->axis[inner].src == 1) return false;
  for (int i = inner - 1; i >= 0; i--) {
    if (w->axis[i].src != 1) continue;
    axis found = w->axis[i];
    memmove(&w->axis[i], &w->axis[i + 1], (size_t)(inner - 1 - i) * sizeof found);
    w->axis[inner - 1] = found;
    return true;
  }
  return false;
}

/* The innermost one or two axes; returns how many it took. */
static void copy_inner(char *dst, const char *src, const axis *inner, bool transpose,
                       size_t bytes) {
  const mlp_move_kernels *move = &mlp_kernel()->move;
  int width = mlp_width_index((int64_t)bytes);
  if (transpose)
    move->transpose[width](dst, inner[-1].dst, src, inner->src, inner[-1].n, inner->n);
  else if (inner->dst == 1 && inner->src == 1)
    memcpy(dst, src, (size_t)inner->n * bytes);
  else
    move->line[width](dst, inner->dst, src, inner->src, inner->n);
}

static void copy_nest(char *dst, const char *src, const nest *w, bool transpose, size_t bytes) {
  int64_t at[MLP_MAX_DIMS] = {0}, size = (int64_t)bytes;
  int outer = w->n - (transpose ? 2 : 1);
  for (;;) {
    copy_inner(dst, src, &w->axis[w->n - 1], transpose, bytes);
    int i = outer - 1;
    for (; i >= 0; i--) {
      const axis *a = &w->axis[i];
      dst += a->dst * size, src += a->src * size;
      if (++at[i] < a->n) break;
      dst -= a->n * a->dst * size, src -= a->n * a->src * size;
      at[i] = 0;
    }
    if (i < 0) return;
  }
}

void mlp_copy_strided(void *dst, const int64_t *dst_stride, const void *src,
                      const int64_t *src_stride, const mlp_shape *shape, size_t bytes) {
  nest w;
  if (!sorted_axes(&w, shape, dst_stride, src_stride)) return;
  merge_neighbours(&w);
  if (w.n == 0) {
    memcpy(dst, src, bytes);
    return;
  }
  bool transpose = transposes(&w);
  copy_nest(dst, src, &w, transpose, bytes);
}

void mlp_copy_packed(void *dst, const mlp_tensor *t) {
  int64_t packed[MLP_MAX_DIMS];
  mlp_shape_strides(packed, &t->shape);
  mlp_copy_strided(dst, packed, mlp_tensor_data(t), t->stride, &t->shape,
                   mlp_dtype_bytes(t->dtype));
}

void mlp_stretched_strides(int64_t *stride, const mlp_tensor *t, const mlp_shape *shape) {
  int lead = shape->ndim - t->shape.ndim;
  for (int i = 0; i < shape->ndim; i++) {
    bool own = i >= lead && t->shape.dim[i - lead] != 1;
    stride[i] = own ? t->stride[i - lead] : 0;
  }
}

/* Views made by our rows repeat an element only through a step of 0, but a diagonal of a stretched
** tensor or a window would do so too: sorted by step, each axis must reach past all inner ones. */
bool mlp_repeats_itself(const mlp_tensor *t) {
  nest w;
  int64_t reach = 0;
  if (!sorted_axes(&w, &t->shape, t->stride, t->stride)) return false;
  for (int i = w.n - 1; i >= 0; i--) {
    int64_t step = magnitude(w.axis[i].dst);
    if (step <= reach) return true;
    reach += step * (w.axis[i].n - 1);
  }
  return false;
}
