#include "op/step.h"

#include "base/pool.h"
#include "op/strided.h"

/* ---- lists ----------------------------------------------------------------------------------- */

static int list_length(const mlp_call *c, int list) { return (int)c->value[list].integer; }

static int list_start(const mlp_call *c, int list) {
  int start = 0;
  for (int k = 0; k < list; k++) start += list_length(c, k);
  return start;
}

mlp_tensor *mlp_listed(const mlp_call *c, int list, int i) {
  return c->in[list_start(c, list) + i];
}

double *mlp_hyper_slot(const mlp_call *c, int lists, int slot) {
  const mlp_tensor *h = c->in[list_start(c, lists)];
  return (double *)mlp_tensor_data(h) + slot * h->stride[0];
}

void mlp_read_hyper(const mlp_call *c, int lists, int slots, double h[MLP_STEP_SLOTS]) {
  for (int k = 0; k < slots; k++) h[k] = *mlp_hyper_slot(c, lists, k);
}

mlp_status mlp_want_like_parameter(const mlp_call *c, int list, int i, const mlp_shape *shape,
                                   mlp_error *e) {
  const mlp_tensor *p = c->in[i], *t = mlp_listed(c, list, i);
  char got[MLP_SHAPE_TEXT], want[MLP_SHAPE_TEXT];
  if (t->dtype == p->dtype && mlp_shape_equal(&t->shape, shape)) return MLP_OK;
  return mlp_refuse(
      e, "%s: %s[%d] is %s %s but %s[%d] %s %s %s", c->row->name, c->row->arg[list].name, i + 1,
      mlp_dtype_name(t->dtype), mlp_shape_text(got, &t->shape), c->row->arg[0].name, i + 1,
      shape == &p->shape ? "is" : "wants", mlp_dtype_name(p->dtype), mlp_shape_text(want, shape));
}

mlp_status mlp_want_lists(const mlp_call *c, int lists, int optional, mlp_error *e) {
  int n = list_length(c, 0);
  for (int i = 0; i < n; i++) MLP_TRY(mlp_want_float(c, i, e));
  for (int k = 1; k < lists; k++) {
    int length = list_length(c, k);
    if (length != n && !(length == 0 && k >= optional))
      return mlp_refuse(e, "%s: %d %s but %d %s", c->row->name, n, c->row->arg[0].name, length,
                        c->row->arg[k].name);
  }
  return MLP_OK;
}

mlp_status mlp_want_hyper(const mlp_call *c, int lists, int slots, mlp_error *e) {
  int i = list_start(c, lists);
  char text[MLP_SHAPE_TEXT];
  MLP_TRY(mlp_want_dtype(c, i, MLP_F64, e));
  const mlp_shape *s = &c->in[i]->shape;
  if (s->ndim == 1 && s->dim[0] == slots) return MLP_OK;
  return mlp_refuse(e, "%s: hyper is %s but (%d,) is wanted", c->row->name, mlp_shape_text(text, s),
                    slots);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

void *mlp_packed(const mlp_tensor *t, void *room) {
  if (mlp_tensor_contiguous(t)) return mlp_tensor_data(t);
  mlp_copy_packed(room, t);
  return room;
}

void mlp_unpack(const mlp_tensor *t, const void *packed) {
  if (packed == mlp_tensor_data(t)) return;
  int64_t stride[MLP_MAX_DIMS];
  mlp_shape_strides(stride, &t->shape);
  mlp_copy_strided(mlp_tensor_data(t), t->stride, packed, stride, &t->shape,
                   mlp_dtype_bytes(t->dtype));
}

/* ---- walking --------------------------------------------------------------------------------- */

/* Parameter i and its companions, NULL where a list is empty. */
typedef struct {
  int n;
  mlp_tensor *t[MLP_STEP_LISTS];
} companions;

static companions companions_of(const mlp_call *c, int i, int n, const int *list) {
  companions k = {.n = n};
  for (int j = 0; j < n; j++)
    k.t[j] = list_length(c, list[j]) > 0 ? mlp_listed(c, list[j], i) : NULL;
  return k;
}

static bool all_contiguous(const companions *c) {
  for (int k = 0; k < c->n; k++) {
    if (c->t[k] && !mlp_tensor_contiguous(c->t[k])) return false;
  }
  return true;
}

static void move_data(void **data, const companions *c, int axis, int64_t steps) {
  for (int k = 0; k < c->n; k++) {
    if (!c->t[k]) continue;
    int64_t bytes = (int64_t)mlp_dtype_bytes(c->t[k]->dtype);
    data[k] = (char *)data[k] + steps * c->t[k]->stride[axis] * bytes;
  }
}

/* Views are walked element by element: parameters are blocks as a rule. */
static void walk_elements(const companions *c, void **data, int axis, mlp_step_loop *run,
                          const mlp_step_constants *k) {
  const mlp_shape *s = &c->t[0]->shape;
  if (axis == s->ndim) {
    run(data, k, 1);
    return;
  }
  for (int64_t i = 0; i < s->dim[axis]; i++) {
    walk_elements(c, data, axis + 1, run, k);
    move_data(data, c, axis, 1);
  }
  move_data(data, c, axis, -s->dim[axis]);
}

/* A parameter's step, cut into parts by its elements. */
typedef struct {
  mlp_step_loop *run;
  void *const *data;
  const mlp_step_constants *k;
  int n, parts;
  int64_t count, bytes;
} cut_step;

static void run_part(void *context, int part) {
  enum { LINE = 64 }; /* elements: parts meet between cache lines */
  const cut_step *s = context;
  void *data[MLP_STEP_LISTS] = {NULL};
  int64_t first, count = mlp_share(s->count, LINE, s->parts, part, &first);
  for (int j = 0; j < s->n; j++) {
    if (s->data[j]) data[j] = (char *)s->data[j] + first * s->bytes;
  }
  s->run(data, s->k, count);
}

static void run_block(cut_step *s) {
  const double SECONDS = 1e-9; /* an element, roughly: five streams of numbers from memory */
  if ((double)s->count * SECONDS < 2 * MLP_PARALLEL_SECONDS) {
    s->run(s->data, s->k, s->count);
    return;
  }
  s->parts = mlp_free_lanes();
  mlp_parallel(s->parts, run_part, s);
}

void mlp_step_parameter(const mlp_call *c, int i, int n, const int *list, mlp_step_id loop,
                        const void *update, const mlp_step_constants *k) {
  companions beside = companions_of(c, i, n, list);
  mlp_step_loop *run = mlp_kernel()->update.step[loop][beside.t[0]->dtype];
  void *data[MLP_STEP_LISTS] = {NULL};
  for (int j = 0; j < n; j++) data[j] = beside.t[j] ? mlp_tensor_data(beside.t[j]) : NULL;
  if (update) data[1] = (void *)(uintptr_t)update;
  cut_step whole = {run,
                    data,
                    k,
                    n,
                    1,
                    mlp_tensor_count(beside.t[0]),
                    (int64_t)mlp_dtype_bytes(beside.t[0]->dtype)};
  if (all_contiguous(&beside))
    run_block(&whole);
  else
    walk_elements(&beside, data, 0, run, k);
}

/* ---- methods --------------------------------------------------------------------------------- */

mlp_status mlp_method_infer(const mlp_method *m, mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_lists(c, m->lists, m->optional, e));
  for (int list = 1; list < m->lists; list++) {
    for (int i = 0; i < list_length(c, list); i++)
      MLP_TRY(mlp_want_like_parameter(c, list, i, &c->in[i]->shape, e));
  }
  return mlp_want_hyper(c, m->lists, m->slots, e);
}

static const int every_list[MLP_STEP_LISTS] = {0, 1, 2, 3, 4};

void mlp_method_run(const mlp_method *m, mlp_call *c) {
  double hyper[MLP_STEP_SLOTS];
  mlp_step_constants k;
  mlp_read_hyper(c, m->lists, m->slots, hyper);
  bool due = m->constants(hyper, &k);
  for (int i = 0; due && i < list_length(c, 0); i++)
    mlp_step_parameter(c, i, m->lists, every_list, m->loop, NULL, &k);
  *mlp_hyper_slot(c, m->lists, m->count) += 1;
}
