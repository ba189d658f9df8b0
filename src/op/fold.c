/*
** A walk is a list of axes, outermost first; folding an axis away leaves a walk over contiguous
** partial results, in the same order without it. Kept axes never change their order.
*/
#include "op/fold.h"

typedef struct {
  int64_t dim, stride;
  int64_t shift_stride; /* of the numbers per result: 0 where reduced */
  bool reduced;
} fold_axis;

typedef struct {
  int n;
  fold_axis axis[MLP_MAX_DIMS];
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

/* ---- from a tensor to the fewest axes -------------------------------------------------------- */

/* Neighbours that lie in memory like one axis become one. */
static void merge_axes(walk *w) {
  int n = 0;
  for (int i = 0; i < w->n; i++) {
    fold_axis *last = n ? &w->axis[n - 1] : NULL, a = w->axis[i];
    if (last && last->reduced == a.reduced && last->stride == a.stride * a.dim) {
      a.dim *= last->dim;
      *last = a;
    } else {
      w->axis[n++] = a;
    }
  }
  w->n = n;
}

/* How far out an axis belongs: stretched ones outermost, where they cost a whole row each. */
static int64_t reach(fold_axis a) {
  if (a.stride == 0) return INT64_MAX;
  return a.stride < 0 ? -a.stride : a.stride;
}

/* Smaller strides move inwards, past any axis unless both are kept. */
static void sort_axes(walk *w) {
  for (int i = 1; i < w->n; i++) {
    for (int j = i; j > 0; j--) {
      fold_axis outer = w->axis[j - 1], inner = w->axis[j];
      if (reach(outer) >= reach(inner) || (!outer.reduced && !inner.reduced)) break;
      w->axis[j - 1] = inner, w->axis[j] = outer;
    }
  }
}

static void walk_of(walk *w, const mlp_tensor *x, const mlp_value *axes) {
  bool reduced[MLP_MAX_DIMS] = {false};
  int64_t results = 1;
  w->n = 0;
  for (int i = 0; i < axes->list.n; i++) reduced[axes->list.item[i]] = true;
  for (int a = 0; a < x->shape.ndim; a++) w->n += x->shape.dim[a] != 1;
  for (int a = x->shape.ndim - 1, i = w->n; a >= 0; a--) {
    if (x->shape.dim[a] == 1) continue;
    w->axis[--i] = (fold_axis){x->shape.dim[a], x->stride[a], reduced[a] ? 0 : results, reduced[a]};
    if (!reduced[a]) results *= x->shape.dim[a];
  }
  sort_axes(w);
  merge_axes(w);
}

/* The innermost reduced axis; -1 when none is left. */
static int innermost(const walk *w) {
  int k = w->n - 1;
  while (k >= 0 && !w->axis[k].reduced) k--;
  return k;
}

/* Takes axis k out of the walk: its length. */
static int64_t take_axis(walk *w, int k) {
  int64_t dim = w->axis[k].dim;
  for (int i = k; i + 1 < w->n; i++) w->axis[i] = w->axis[i + 1];
  w->n--;
  return dim;
}

/* Axis k has been folded away: what is left are contiguous partial results. */
static void fold_away(walk *w, int k) {
  int64_t stride = 1;
  take_axis(w, k);
  for (int i = w->n - 1; i >= 0; i--) {
    w->axis[i].stride = stride;
    stride *= w->axis[i].dim;
  }
  merge_axes(w);
}

static int64_t walk_count(const walk *w) {
  int64_t count = 1;
  for (int i = 0; i < w->n; i++) count *= w->axis[i].dim;
  return count;
}

/* ---- folding one axis away ------------------------------------------------------------------- */

/* What one kernel call covers: `n` folded elements `step` apart for each of `width` neighbours. */
typedef struct {
  const mlp_fold *fold;
  const mlp_shifted_fold *shifted; /* instead of fold, or NULL */
  mlp_dtype from, to;
  bool along;
  int64_t n, step, width;
} piece;

/* Where a kernel call reads and writes; y moves on from call to call. */
typedef struct {
  char *y;
  const char *x, *shift;
} place;

static void run_piece(const piece *p, const place *at) {
  mlp_dtype d = p->from;
  if (p->shifted && p->along) {
    p->shifted->along[d](at->y, at->x, p->width, p->n, p->step, at->shift);
  } else if (p->shifted) {
    p->shifted->across[d](at->y, at->x, p->n, p->width, p->step, at->shift);
  } else if (p->along) {
    p->fold->along[d](at->y, at->x, p->width, p->n, p->step);
  } else {
    p->fold->across[d](at->y, at->x, p->n, p->width, p->step);
  }
}

static void run_outer(const walk *outer, int depth, const piece *p, place *at) {
  if (depth == outer->n) {
    run_piece(p, at);
    at->y += (size_t)p->width * mlp_dtype_bytes(p->to);
    return;
  }
  const fold_axis *a = &outer->axis[depth];
  int64_t bytes = (int64_t)mlp_dtype_bytes(p->from);
  for (int64_t i = 0; i < a->dim; i++) {
    place inner = {at->y, at->x + i * a->stride * bytes, at->shift};
    if (at->shift) inner.shift = at->shift + i * a->shift_stride * bytes;
    run_outer(outer, depth + 1, p, &inner);
    at->y = inner.y;
  }
}

/* Folds axis k of w away (k = -1: only applies the terms); uses w up. */
static void run_stage(walk *w, int k, piece p, place at) {
  bool adjacent = w->n > 0 && w->axis[w->n - 1].stride == 1;
  p.along = k < 0 || (k == w->n - 1 && adjacent);
  p.step = k < 0 ? 1 : w->axis[k].stride;
  p.n = k < 0 ? 1 : take_axis(w, k);
  p.width = 1;
  if (p.along && w->n > 0 && (!p.shifted || !w->axis[w->n - 1].reduced)) {
    p.step = w->axis[w->n - 1].stride;
    p.width = take_axis(w, w->n - 1);
  } else if (!p.along && adjacent) {
    p.width = take_axis(w, w->n - 1);
  }
  run_outer(w, 0, &p, &at);
}

/* ---- the whole reduction --------------------------------------------------------------------- */

size_t mlp_fold_work(const mlp_tensor *x, const mlp_value *axes, mlp_dtype to) {
  size_t bytes = 0;
  walk w;
  walk_of(&w, x, axes);
  for (int k = innermost(&w); k >= 0; k = innermost(&w)) {
    fold_away(&w, k);
    if (innermost(&w) >= 0) bytes += (size_t)walk_count(&w) * mlp_dtype_bytes(to);
  }
  return bytes;
}

/* Without elements every result is the fold of nothing. */
static void run_empty(const mlp_tensor *x, const mlp_value *axes, piece p, place at) {
  mlp_shape left = mlp_axes_shape(&x->shape, axes, false);
  p.along = true;
  p.width = mlp_shape_count(&left);
  at.x = at.y;
  run_piece(&p, &at);
}

static void run(const mlp_tensor *x, const mlp_value *axes, piece p, place at, const mlp_fold *rest,
                char *partial) {
  char *y = at.y;
  walk w, left;
  if (mlp_tensor_count(x) == 0) {
    run_empty(x, axes, p, at);
    return;
  }
  walk_of(&w, x, axes);
  for (;;) {
    int k = innermost(&w);
    left = w;
    if (k >= 0) fold_away(&left, k);
    bool last = innermost(&left) < 0;
    at.y = last ? y : partial;
    run_stage(&w, k, p, at);
    if (last) return;
    at = (place){.x = partial};
    partial += (size_t)walk_count(&left) * mlp_dtype_bytes(p.to);
    p = (piece){.fold = rest, .from = p.to, .to = p.to};
    w = left;
  }
}

void mlp_fold_run(void *y, mlp_dtype to, const mlp_tensor *x, const mlp_value *axes,
                  const mlp_fold *first, const mlp_fold *rest, void *work) {
  piece p = {.fold = first, .from = x->dtype, .to = to};
  run(x, axes, p, (place){.y = y, .x = mlp_tensor_data(x)}, rest, work);
}

void mlp_fold_shifted(void *y, const mlp_tensor *x, const mlp_value *axes,
                      const mlp_shifted_fold *first, const void *shift, const mlp_fold *rest,
                      void *work) {
  piece p = {.shifted = first, .from = x->dtype, .to = x->dtype};
  run(x, axes, p, (place){.y = y, .x = mlp_tensor_data(x), .shift = shift}, rest, work);
}
