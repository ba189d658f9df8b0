/*
** Running a plan: bind, draw, sweep after sweep, hand over.
*/
#include <string.h>

#include "base/pool.h"
#include "graph/layout.h"
#include "kernel/kernel.h"

/* ---- binding --------------------------------------------------------------------------------- */

/* The address of a buffer's whole, for the single steps and for every lane that sees it. */
static void bind(mlp_plan *plan, int b, void *data) {
  const mlp_buffer *buffer = &plan->program.buffer[b];
  bool sum = buffer->origin == MLP_FROM_STEP && buffer->home == MLP_IN_SUM;
  plan->data[b] = data;
  plan->once.storage[b].data = data;
  for (int l = 0; plan->lane && l < plan->n_lane && (!sum || l == 0); l++) {
    plan->lane[l].full.storage[b].data = data;
    if (plan->lane[l].rest.rows) plan->lane[l].rest.storage[b].data = data;
  }
}

/* Does nobody but the plan, and the leaf whose gradient it is, hold the last one? */
static bool is_free(const mlp_keeper *k) {
  const mlp_tensor *grad = k->leaf ? k->leaf->grad : NULL;
  bool with_leaf = grad && grad->refs == 1 && grad->storage == k->tensor->storage;
  return k->tensor->refs == 1 && k->tensor->storage->refs == (with_leaf ? 2 : 1);
}

static mlp_status bind_keeper(mlp_plan *plan, mlp_keeper *k, mlp_error *e) {
  if (!is_free(k)) {
    mlp_tensor *fresh = mlp_tensor_new(k->tensor->context, k->tensor->dtype, &k->tensor->shape);
    if (!fresh) return mlp_no_memory(e, k->tensor->storage->bytes);
    mlp_tensor_drop(k->tensor);
    k->tensor = fresh;
  }
  bind(plan, k->buffer, k->tensor->storage->data);
  return MLP_OK;
}

/* Only at the first replay: what never moves. */
static void bind_fixed(mlp_plan *plan) {
  for (int b = 0; b < plan->program.n_buffer; b++) {
    const mlp_buffer *buffer = &plan->program.buffer[b];
    bool lane = buffer->origin == MLP_FROM_STEP && buffer->home == MLP_IN_LANE;
    if (plan->data[b] && !lane) bind(plan, b, plan->data[b]);
  }
  plan->fixed = true;
}

static mlp_status bind_all(mlp_plan *plan, mlp_tensor *const *argument, mlp_error *e) {
  mlp_program *p = &plan->program;
  if (!plan->fixed) bind_fixed(plan);
  for (int i = 0; i < p->n_argument; i++)
    bind(plan, p->view[p->argument[i]].buffer, mlp_tensor_data(argument[i]));
  for (int i = 0; i < plan->n_keeper; i++) MLP_TRY(bind_keeper(plan, &plan->keeper[i], e));
  return MLP_OK;
}

/* ---- drawing --------------------------------------------------------------------------------- */

static void draw(mlp_plan *plan) {
  mlp_program *p = &plan->program;
  for (int i = 0; i < plan->n_drawn; i++) {
    int k = plan->drawn[i];
    mlp_call *c = &p->step[k].call;
    c->seed = c->stream->seed;
    c->serial = c->stream->serial++;
    if (!p->step[k].tiled) plan->once.call[k].seed = c->seed, plan->once.call[k].serial = c->serial;
  }
}

/* ---- one call -------------------------------------------------------------------------------- */

static inline mlp_status run(mlp_call *c, mlp_error *e) {
  if (c->row->check) MLP_TRY(c->row->check(c, e));
  c->row->run(c);
  return c->failure ? mlp_refuse(e, "%s: %s", c->row->name, c->failure) : MLP_OK;
}

static mlp_status run_once(mlp_plan *plan, const mlp_sweep *w, mlp_error *e) {
  for (int i = 0; i < w->n_once; i++) {
    mlp_call *c = &plan->once.call[w->once[i]];
    c->failure = NULL;
    MLP_TRY(run(c, e));
  }
  return MLP_OK;
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* y += x, or y = x for the first part. */
static void add_part(const mlp_tensor *y, const mlp_tensor *x, bool first) {
  int64_t n = mlp_tensor_count(y);
  void *to = mlp_tensor_data(y);
  if (first)
    memcpy(to, mlp_tensor_data(x), (size_t)n * mlp_dtype_bytes(y->dtype));
  else
    mlp_kernel()->binary.run[y->dtype][MLP_BINARY_add][MLP_VV](to, to, mlp_tensor_data(x), n);
}

/* Step k on the tile that f is bound to; `first` of its lane. */
static mlp_status run_tiled(mlp_plan *plan, mlp_fragment *f, int k, int64_t row, bool first,
                            mlp_error *e) {
  const mlp_step *s = &plan->program.step[k];
  mlp_call *c = &f->call[k];
  c->part_row = row;
  c->failure = NULL;
  if (c->row->flags & MLP_RANDOM) c->seed = s->call.seed, c->serial = s->call.serial;
  if (c->row->flags & MLP_ADDS && plan->program.view[s->out[0]].tile.spread == MLP_REDUCED)
    c->accumulate = s->call.accumulate || !first;
  MLP_TRY(run(c, e));
  for (int i = 0; i < c->n_out; i++) {
    const mlp_tensor *aside = f->aside[k * MLP_MAX_OUTPUTS + i];
    if (aside) add_part(&f->tensor[s->out[i]], aside, first);
  }
  return MLP_OK;
}

static void move_to(mlp_plan *plan, mlp_fragment *f, int64_t row) {
  for (int b = 0; b < plan->program.n_buffer; b++) {
    if (plan->row_bytes[b]) f->storage[b].data = plan->data[b] + row * plan->row_bytes[b];
  }
}

typedef struct {
  mlp_plan *plan;
  const mlp_sweep *sweep;
} tiling;

static mlp_status run_tiles(mlp_plan *plan, const mlp_sweep *w, int l, mlp_error *e) {
  int64_t first = plan->n_tile * l / plan->n_lane, end = plan->n_tile * (l + 1) / plan->n_lane;
  for (int64_t tile = first; tile < end; tile++) {
    int64_t row = tile * plan->height;
    bool full = row + plan->height <= plan->program.batch;
    mlp_fragment *f = full ? &plan->lane[l].full : &plan->lane[l].rest;
    move_to(plan, f, row);
    for (int i = 0; i < w->n_tiled; i++)
      MLP_TRY(run_tiled(plan, f, w->tiled[i], row, tile == first, e));
  }
  return MLP_OK;
}

static void run_lane(void *context, int l) {
  const tiling *t = context;
  mlp_lane *lane = &t->plan->lane[l];
  lane->status = run_tiles(t->plan, t->sweep, l, &lane->error);
}

static void point_lane(mlp_lane *lane, int b, void *data) {
  lane->full.storage[b].data = data;
  if (lane->rest.rows) lane->rest.storage[b].data = data;
}

/* Every lane but the first, which has the whole, adds to a part of its own. */
static void part_sums(mlp_plan *plan, const mlp_sweep *w) {
  for (int i = 0; i < w->n_sum; i++) {
    for (int l = 1; l < plan->n_lane; l++)
      point_lane(&plan->lane[l], w->sum[i], plan->lane[l].memory + plan->sum_place[w->sum[i]]);
  }
}

/* A sum is the parts of the lanes, added in their order; then all lanes see the whole. */
static void join_sums(mlp_plan *plan, const mlp_sweep *w) {
  for (int i = 0; i < w->n_sum; i++) {
    int b = w->sum[i];
    const mlp_buffer *buffer = &plan->program.buffer[b];
    void *whole = plan->data[b];
    for (int l = 1; l < plan->n_lane; l++) {
      mlp_kernel()->binary.run[buffer->dtype][MLP_BINARY_add][MLP_VV](
          whole, whole, plan->lane[l].memory + plan->sum_place[b], buffer->count);
      point_lane(&plan->lane[l], b, whole);
    }
  }
}

static mlp_status sweep_tiles(mlp_plan *plan, const mlp_sweep *w, mlp_error *e) {
  tiling t = {plan, w};
  if (w->n_tiled == 0) return MLP_OK;
  part_sums(plan, w);
  if (w->tiled_seconds >= MLP_PARALLEL_SECONDS)
    mlp_parallel(plan->n_lane, run_lane, &t);
  else
    for (int l = 0; l < plan->n_lane; l++) run_lane(&t, l);
  for (int l = 0; l < plan->n_lane; l++) {
    if (plan->lane[l].status == MLP_OK) continue;
    *e = plan->lane[l].error;
    return plan->lane[l].status;
  }
  join_sums(plan, w);
  return MLP_OK;
}

/* ---- handing over ---------------------------------------------------------------------------- */

/* The program's view v as a tensor of its own. */
static mlp_tensor *tensor_of(mlp_plan *plan, int v, mlp_tensor *const *argument) {
  const mlp_view *view = &plan->program.view[v];
  const mlp_buffer *b = &plan->program.buffer[view->buffer];
  const mlp_tensor *owner = b->origin == MLP_FROM_ARGUMENT ? argument[b->argument] : b->outside;
  for (int i = 0; i < plan->n_keeper && b->origin == MLP_FROM_STEP; i++) {
    if (plan->keeper[i].buffer == view->buffer) owner = plan->keeper[i].tensor;
  }
  mlp_tensor *t = mlp_tensor_alias(owner);
  if (!t) return NULL;
  t->shape = view->shape;
  t->offset = view->offset + (b->origin == MLP_FROM_ARGUMENT ? owner->offset : 0);
  memcpy(t->stride, view->stride, sizeof t->stride);
  return t;
}

static mlp_status leave_grad(mlp_plan *plan, const mlp_leaf_grad *g, mlp_tensor *const *argument,
                             mlp_error *e) {
  mlp_tensor *grad = NULL, *leaf = g->leaf;
  if (!g->written) return MLP_OK;
  if (g->view != MLP_NOWHERE) {
    const char *data = plan->data[plan->program.view[g->view].buffer];
    if (leaf->grad && leaf->grad->storage->data == data) {
      mlp_tensor_changed(leaf->grad, "backward");
      return MLP_OK;
    }
    grad = tensor_of(plan, g->view, argument);
    if (!grad) return mlp_no_memory(e, sizeof *grad);
  }
  mlp_tensor_drop(leaf->grad);
  leaf->grad = grad;
  return MLP_OK;
}

/* Values that outlive the replay were changed, also when a later step failed. */
static void note_changes(mlp_plan *plan, mlp_tensor *const *argument) {
  for (int i = 0; i < plan->n_changed; i++) {
    const mlp_buffer *b = &plan->program.buffer[plan->changed[i]];
    mlp_tensor *t = b->origin == MLP_FROM_ARGUMENT ? argument[b->argument] : b->outside;
    mlp_tensor_changed(t, "a compiled function");
  }
}

mlp_status mlp_plan_last(mlp_plan *plan, mlp_tensor *const *argument, mlp_tensor **result,
                         mlp_error *e) {
  mlp_program *p = &plan->program;
  for (int i = 0; i < p->n_result; i++) {
    result[i] = tensor_of(plan, p->result[i], argument);
    if (result[i]) continue;
    while (i > 0) mlp_tensor_drop(result[--i]);
    return mlp_no_memory(e, sizeof(mlp_tensor));
  }
  return MLP_OK;
}

static mlp_status hand_over(mlp_plan *plan, mlp_tensor *const *argument, mlp_tensor **result,
                            mlp_error *e) {
  mlp_program *p = &plan->program;
  for (int i = 0; i < p->n_grad; i++) MLP_TRY(leave_grad(plan, &p->grad[i], argument, e));
  return mlp_plan_last(plan, argument, result, e);
}

static mlp_status run_all(mlp_plan *plan, mlp_error *e) {
  for (int i = 0; i < plan->program.sweeps; i++) {
    MLP_TRY(run_once(plan, &plan->sweep[i], e));
    MLP_TRY(sweep_tiles(plan, &plan->sweep[i], e));
  }
  return MLP_OK;
}

mlp_status mlp_plan_repeat(mlp_plan *plan, int64_t n, mlp_tensor *const *argument,
                           mlp_tensor **result, mlp_error *e) {
  mlp_status status = bind_all(plan, argument, e);
  if (status != MLP_OK) return status;
  for (int64_t i = 0; i < n && status == MLP_OK; i++) {
    if (plan->n_drawn) draw(plan);
    status = run_all(plan, e);
  }
  note_changes(plan, argument);
  return status == MLP_OK ? hand_over(plan, argument, result, e) : status;
}

/* ---- guards ---------------------------------------------------------------------------------- */

static bool argument_fits(const mlp_program *p, int i, const mlp_tensor *t) {
  const mlp_view *v = &p->view[p->argument[i]];
  if (t->dtype != v->dtype || !mlp_shape_equal(&t->shape, &v->shape)) return false;
  for (int a = 0; a < t->shape.ndim; a++) {
    if (t->stride[a] != v->stride[a] && t->shape.dim[a] > 1) return false;
  }
  return true;
}

/* What is changed in place must not be seen under two names that were told apart when recorded. */
static bool stands_apart(const mlp_plan *plan, mlp_tensor *const *argument, int i) {
  const mlp_program *p = &plan->program;
  for (int c = 0; c < plan->n_changed; c++) {
    const mlp_buffer *b = &p->buffer[plan->changed[c]];
    bool itself = b->origin == MLP_FROM_ARGUMENT && b->argument == i;
    const mlp_tensor *t = b->origin == MLP_FROM_ARGUMENT ? argument[b->argument] : b->outside;
    if (!itself && t->storage == argument[i]->storage) return false;
  }
  return true;
}

bool mlp_plan_fits(const mlp_plan *plan, mlp_tensor *const *argument, int n) {
  const mlp_program *p = &plan->program;
  if (n != p->n_argument) return false;
  for (int i = 0; i < n; i++) {
    if (!argument_fits(p, i, argument[i]) || !stands_apart(plan, argument, i)) return false;
  }
  for (int i = 0; i < p->n_outside; i++) {
    if (p->outside[i].tensor->requires_grad != p->outside[i].wants_grad) return false;
  }
  for (int i = 0; i < p->n_grad; i++) {
    if (p->grad[i].read && p->grad[i].leaf->grad != p->grad[i].before) return false;
  }
  return true;
}
