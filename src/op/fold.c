/*
** A walk is a list of axes, outermost first; folding an axis away leaves a walk over contiguous
** partial results, in the same order without it. Kept axes never change their order.
*/
#include "op/fold.h"

typedef struct {
  int64_t dim, stride;
  bool reduced;
} fold_axis;

typedef struct {
  int n;
  fold_axis axis[MLP_MAX_DIMS + 1];
} walk;

bool mlp_axes_hold(const mlp_value *axes, int a) {
  for (int i = 0; i < axes->list.n; i++) {
    if (axes->list.item[i] == a) return true;
  }
  return false;
}

int64_t mlp_axes_count(const mlp_shape *x, const mlp_value *axes) {
  int64_t count = 1;
  for (int i = 0; i < axes->list.n; i++) count *= x->dim[axes->list.item[i]];
  return count;
}

mlp_shape mlp_axes_shape(const mlp_shape *x, const mlp_value *axes, bool keepdim) {
  mlp_shape s = {0};
  for (int a = 0; a < x->ndim; a++) {
    if (!mlp_axes_hold(axes, a)) {
      s.dim[s.ndim++] = x->dim[a];
    } else if (keepdim) {
      s.dim[s.ndim++] = 1;
    }
  }
  return s;
}

/* ---- from a tensor to the fewest axes ---------------------------------------------------------- */

static void push_axis(walk *w, fold_axis a) {
  fold_axis *last = w->n ? &w->axis[w->n - 1] : NULL;
  if (a.dim == 1) return;
  if (last && last->reduced == a.reduced && last->stride == a.stride * a.dim) {
    last->dim *= a.dim;
    last->stride = a.stride;
  } else {
    w->axis[w->n++] = a;
  }
}

/* Smaller strides move inwards, past any axis unless both are kept. */
static void sort_axes(walk *w) {
  for (int i = 1; i < w->n; i++) {
    for (int j = i; j > 0; j--) {
      fold_axis outer = w->axis[j - 1], inner = w->axis[j];
      if (outer.stride >= inner.stride || (!outer.reduced && !inner.reduced)) break;
      w->axis[j - 1] = inner, w->axis[j] = outer;
    }
  }
}

static walk walk_of(const mlp_tensor *x, const mlp_value *axes) {
  walk all = {0}, merged = {0};
  for (int a = 0; a < x->shape.ndim; a++) {
    if (x->shape.dim[a] != 1)
      all.axis[all.n++] = (fold_axis){x->shape.dim[a], x->stride[a], mlp_axes_hold(axes, a)};
  }
  sort_axes(&all);
  for (int i = 0; i < all.n; i++) push_axis(&merged, all.axis[i]);
  return merged;
}

/* The innermost reduced axis; -1 when none is left. */
static int innermost(const walk *w) {
  int k = w->n - 1;
  while (k >= 0 && !w->axis[k].reduced) k--;
  return k;
}

/* The walk over the contiguous partial results once axis k is folded away. */
static walk without(const walk *w, int k) {
  walk rest = {0}, merged = {0};
  int64_t stride = 1;
  for (int i = w->n - 1; i >= 0; i--) {
    if (i == k) continue;
    rest.axis[i] = (fold_axis){w->axis[i].dim, stride, w->axis[i].reduced};
    stride *= w->axis[i].dim;
  }
  for (int i = 0; i < w->n; i++) {
    if (i != k) push_axis(&merged, rest.axis[i]);
  }
  return merged;
}

static int64_t walk_count(const walk *w) {
  int64_t count = 1;
  for (int i = 0; i < w->n; i++) count *= w->axis[i].dim;
  return count;
}

/* ---- folding one axis away ----------------------------------------------------------------------- */

/* What one kernel call covers: `n` folded elements `step` apart for each of `width` neighbours. */
typedef struct {
  const mlp_fold *fold;
  mlp_dtype from, to;
  bool along;
  int64_t n, step, width;
} piece;

static void run_piece(const piece *p, char *y, const char *x) {
  if (p->along) {
    p->fold->along[p->from](y, x, p->width, p->n, p->step);
  } else {
    p->fold->across[p->from](y, x, p->n, p->width, p->step);
  }
}

/* Takes axis `inner` out of the walk: its length. */
static int64_t take_axis(walk *w, int inner) {
  int64_t dim = w->axis[inner].dim;
  for (int i = inner; i + 1 < w->n; i++) w->axis[i] = w->axis[i + 1];
  w->n--;
  return dim;
}

static void run_outer(const walk *outer, int depth, const piece *p, char **y, const char *x) {
  if (depth == outer->n) {
    run_piece(p, *y, x);
    *y += (size_t)p->width * mlp_dtype_bytes(p->to);
    return;
  }
  int64_t step = outer->axis[depth].stride * (int64_t)mlp_dtype_bytes(p->from);
  for (int64_t i = 0; i < outer->axis[depth].dim; i++) run_outer(outer, depth + 1, p, y, x + i * step);
}

/* Folds axis k of w away (k = -1: only applies the terms). */
static void run_stage(walk w, int k, piece p, void *y, const void *x) {
  char *to = y;
  bool adjacent = w.n > 0 && w.axis[w.n - 1].stride == 1;
  p.along = k < 0 || (k == w.n - 1 && adjacent);
  p.step = k < 0 ? 1 : w.axis[k].stride;
  p.n = k < 0 ? 1 : take_axis(&w, k);
  p.width = 1;
  if (p.along && w.n > 0) {
    p.step = w.axis[w.n - 1].stride;
    p.width = take_axis(&w, w.n - 1);
  } else if (!p.along && adjacent) {
    p.width = take_axis(&w, w.n - 1);
  }
  run_outer(&w, 0, &p, &to, x);
}

/* ---- the whole reduction --------------------------------------------------------------------------- */

size_t mlp_fold_work(const mlp_tensor *x, const mlp_value *axes, mlp_dtype to) {
  size_t bytes = 0;
  walk w = walk_of(x, axes);
  for (int k = innermost(&w); k >= 0; k = innermost(&w)) {
    w = without(&w, k);
    if (innermost(&w) >= 0) bytes += (size_t)walk_count(&w) * mlp_dtype_bytes(to);
  }
  return bytes;
}

/* Without elements every result is the fold of nothing. */
static void run_empty(void *y, const mlp_tensor *x, const mlp_value *axes, const mlp_fold *fold) {
  mlp_shape left = mlp_axes_shape(&x->shape, axes, false);
  fold->along[x->dtype](y, y, mlp_shape_count(&left), 0, 0);
}

void mlp_fold_run(void *y, mlp_dtype to, const mlp_tensor *x, const mlp_value *axes,
                  const mlp_fold *first, const mlp_fold *rest, void *work) {
  const void *from = mlp_tensor_data(x);
  char *partial = work;
  piece p = {.fold = first, .from = x->dtype, .to = to};
  walk w = walk_of(x, axes);
  if (mlp_tensor_count(x) == 0) {
    run_empty(y, x, axes, first);
    return;
  }
  for (;;) {
    int k = innermost(&w);
    walk left = k < 0 ? (walk){0} : without(&w, k);
    bool last = innermost(&left) < 0;
    run_stage(w, k, p, last ? y : partial, from);
    if (last) return;
    from = partial;
    partial += (size_t)walk_count(&left) * mlp_dtype_bytes(to);
    p.fold = rest, p.from = to;
    w = left;
  }
}
