#include "graph/program.h"

#include <string.h>

/* ---- growing --------------------------------------------------------------------------------- */

/* Adds a zeroed item to a list of the program, whose address is at `list`; its place, or
** MLP_NOWHERE without memory: then the list stays as it was. */
static int add_item(mlp_bag *bag, void *list, int *n, size_t each) {
  void *items;
  memcpy(&items, list, sizeof items);
  items = mlp_bag_grow(bag, items, *n, each);
  if (!items) return MLP_NOWHERE;
  memcpy(list, &items, sizeof items);
  memset((char *)items + (size_t)*n * each, 0, each);
  return (*n)++;
}
#define ADD(p, list) add_item(&(p)->bag, &(p)->list, &(p)->n_##list, sizeof *(p)->list)

static int find_buffer(const mlp_program *p, uint64_t id) {
  for (int b = p->n_buffer - 1; b >= 0; b--) {
    if (p->buffer[b].id == id) return b;
  }
  return MLP_NOWHERE;
}

static int add_buffer(mlp_program *p, const mlp_tensor *t, mlp_origin origin) {
  int b = ADD(p, buffer);
  if (b == MLP_NOWHERE) return b;
  p->buffer[b] = (mlp_buffer){.origin = origin,
                              .id = mlp_tensor_storage_id(t),
                              .dtype = t->dtype,
                              .count = mlp_tensor_count(t),
                              .base = MLP_NOWHERE,
                              .place_of = MLP_NOWHERE};
  return b;
}

static bool same_view(const mlp_view *v, const mlp_tensor *t) {
  if (v->offset != t->offset || v->dtype != t->dtype || !mlp_shape_equal(&v->shape, &t->shape))
    return false;
  for (int i = 0; i < t->shape.ndim; i++) {
    if (v->stride[i] != t->stride[i] && t->shape.dim[i] > 1) return false;
  }
  return true;
}

/* The view of buffer b that t is, added when it is new. */
static int view_of(mlp_program *p, int b, const mlp_tensor *t) {
  for (int v = p->buffer[b].base; v != MLP_NOWHERE; v = p->view[v].next) {
    if (same_view(&p->view[v], t)) return v;
  }
  int v = ADD(p, view);
  if (v == MLP_NOWHERE) return v;
  mlp_view *view = &p->view[v];
  view->buffer = b;
  view->dtype = t->dtype;
  view->shape = t->shape;
  view->offset = t->offset;
  view->next = MLP_NOWHERE;
  memcpy(view->stride, t->stride, sizeof view->stride);
  int *link = &p->buffer[b].base;
  while (*link != MLP_NOWHERE) link = &p->view[*link].next;
  return *link = v;
}

/* The view that t is; a buffer nobody has made so far comes from outside. */
static int look_up(mlp_program *p, mlp_tensor *t, mlp_error *e) {
  int b = find_buffer(p, mlp_tensor_storage_id(t));
  if (b == MLP_NOWHERE && (b = add_buffer(p, t, MLP_FROM_OUTSIDE)) != MLP_NOWHERE)
    p->buffer[b].outside = t->storage ? mlp_tensor_share(t) : NULL;
  int v = b == MLP_NOWHERE ? b : view_of(p, b, t);
  if (v == MLP_NOWHERE) mlp_no_memory(e, sizeof(mlp_view));
  return v;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static mlp_status add_arguments(mlp_program *p, const mlp_face *face, mlp_error *e) {
  size_t bytes = ((size_t)face->n_argument + 1) * sizeof *p->argument;
  p->argument = mlp_bag_take(&p->bag, bytes);
  if (!p->argument) return mlp_no_memory(e, bytes);
  for (int k = 0; k < face->n_argument; k++) {
    const mlp_tensor *t = face->argument[k];
    int b = add_buffer(p, t, MLP_FROM_ARGUMENT);
    int v = b == MLP_NOWHERE ? b : view_of(p, b, t);
    if (v == MLP_NOWHERE) return mlp_no_memory(e, sizeof(mlp_view));
    p->buffer[b].argument = k;
    p->argument[p->n_argument++] = v;
    if (face->has_batch[k]) {
      p->tiles = true;
      p->batch = t->shape.dim[0];
      p->view[v].tile = (mlp_tile){MLP_ROWS, 0, 1};
    }
  }
  return MLP_OK;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static mlp_status add_inputs(mlp_program *p, mlp_step *s, const mlp_call *c, mlp_error *e) {
  s->in = mlp_bag_take(&p->bag, ((size_t)c->n_in + 1) * sizeof *s->in);
  if (!s->in) return mlp_no_memory(e, (size_t)c->n_in * sizeof *s->in);
  for (int i = 0; i < c->n_in; i++) {
    s->in[i] = MLP_NOWHERE;
    if (c->in[i] && (s->in[i] = look_up(p, c->in[i], e)) == MLP_NOWHERE) return MLP_NO_MEMORY;
    if (c->in[i] && mlp_call_writes(&s->call, i)) mlp_buffer_of(p, s->in[i])->written = true;
  }
  return MLP_OK;
}

static mlp_status add_outputs(mlp_program *p, mlp_step *s, const mlp_call *c, mlp_error *e) {
  s->idle = c->n_out > 0;
  for (int i = 0; i < c->n_out; i++) {
    bool fresh = mlp_call_makes(c, i);
    int b = fresh ? add_buffer(p, c->out[i], MLP_FROM_STEP)
                  : find_buffer(p, mlp_tensor_storage_id(c->out[i]));
    s->out[i] = b == MLP_NOWHERE ? b : view_of(p, b, c->out[i]);
    if (s->out[i] == MLP_NOWHERE) return mlp_no_memory(e, sizeof(mlp_view));
    if (fresh) p->buffer[b].written = true;
    s->idle = s->idle && c->spec[i].view_of >= 0;
  }
  return MLP_OK;
}

static mlp_status add_step(mlp_program *p, const mlp_call *c, mlp_error *e) {
  if (ADD(p, step) == MLP_NOWHERE) return mlp_no_memory(e, sizeof *p->step);
  mlp_step *s = &p->step[p->n_step - 1];
  s->call = *c;
  s->call.in = NULL;
  s->call.work = NULL;
  memset(s->call.out, 0, sizeof s->call.out);
  MLP_TRY(add_inputs(p, s, c, e));
  return add_outputs(p, s, c, e);
}

/* ---- what comes out -------------------------------------------------------------------------- */

static bool history_is_open(const mlp_tensor *t) { return t->node && !t->node->passed; }

static mlp_status add_results(mlp_program *p, const mlp_face *face, mlp_error *e) {
  size_t bytes = ((size_t)face->n_result + 1) * sizeof *p->result;
  p->result = mlp_bag_take(&p->bag, bytes);
  if (!p->result) return mlp_no_memory(e, bytes);
  for (int k = 0; k < face->n_result; k++) {
    if (history_is_open(face->result[k]))
      return mlp_refuse(e,
                        "compile: result %d has a history that backward could still walk, and what "
                        "a replay returns has none; call backward inside the function, or compile "
                        "it under mlp.no_grad, or return y:detach()",
                        k + 1);
    int v = look_up(p, face->result[k], e);
    if (v == MLP_NOWHERE) return MLP_NO_MEMORY;
    mlp_buffer_of(p, v)->kept = true;
    p->result[p->n_result++] = v;
  }
  return MLP_OK;
}

static mlp_status add_grad(mlp_program *p, const mlp_noted_grad *g, mlp_error *e) {
  bool replaced = g->written && g->leaf->grad != g->before;
  int v = MLP_NOWHERE;
  if (!replaced && !g->read) return MLP_OK;
  if (replaced && g->leaf->grad && (v = look_up(p, g->leaf->grad, e)) == MLP_NOWHERE)
    return MLP_NO_MEMORY;
  if (v != MLP_NOWHERE) mlp_buffer_of(p, v)->kept = true;
  int i = ADD(p, grad);
  if (i == MLP_NOWHERE) return mlp_no_memory(e, sizeof *p->grad);
  p->grad[i] = (mlp_leaf_grad){.leaf = mlp_tensor_share(g->leaf),
                               .before = g->before ? mlp_tensor_share(g->before) : NULL,
                               .read = g->read,
                               .written = replaced,
                               .view = v};
  return MLP_OK;
}

static mlp_status add_outside(mlp_program *p, const mlp_noted_tensor *o, mlp_error *e) {
  int i = ADD(p, outside);
  if (i == MLP_NOWHERE) return mlp_no_memory(e, sizeof *o);
  p->outside[i] = (mlp_noted_tensor){mlp_tensor_share(o->tensor), o->wants_grad};
  return MLP_OK;
}

/* Views of arguments count from the argument's first element, wherever that lies in its storage. */
static void shift_argument_views(mlp_program *p) {
  for (int k = 0; k < p->n_argument; k++) {
    int64_t first = p->view[p->argument[k]].offset;
    for (int v = mlp_buffer_of(p, p->argument[k])->base; v != MLP_NOWHERE; v = p->view[v].next)
      p->view[v].offset -= first;
  }
}

static mlp_status fill(mlp_program *p, const mlp_recording *r, const mlp_face *face, mlp_error *e) {
  MLP_TRY(add_arguments(p, face, e));
  for (int64_t i = 0; i < r->n_node; i++) MLP_TRY(add_step(p, &r->node[i]->call, e));
  MLP_TRY(add_results(p, face, e));
  for (int64_t i = 0; i < r->n_grad; i++) MLP_TRY(add_grad(p, &r->grad[i], e));
  for (int64_t i = 0; i < r->n_outside; i++) MLP_TRY(add_outside(p, &r->outside[i], e));
  shift_argument_views(p);
  return MLP_OK;
}

mlp_status mlp_program_make(mlp_program *p, const mlp_recording *r, const mlp_face *face,
                            mlp_error *e) {
  *p = (mlp_program){.context = r->context, .bag = {.memory = &r->context->memory}};
  mlp_status status = fill(p, r, face, e);
  if (status == MLP_OK) mlp_pass_dead(p);
  if (status == MLP_OK) status = mlp_pass_same(p, e);
  if (status == MLP_OK) mlp_pass_accumulate(p);
  if (status == MLP_OK) status = mlp_pass_spread(p, e);
  if (status == MLP_OK) mlp_pass_reuse(p);
  if (status != MLP_OK) mlp_program_drop(p);
  return status;
}

void mlp_program_drop(mlp_program *p) {
  for (int b = 0; b < p->n_buffer; b++) mlp_tensor_drop(p->buffer[b].outside);
  for (int i = 0; i < p->n_grad; i++) {
    mlp_tensor_drop(p->grad[i].leaf);
    mlp_tensor_drop(p->grad[i].before);
  }
  for (int i = 0; i < p->n_outside; i++) mlp_tensor_drop(p->outside[i].tensor);
  mlp_bag_empty(&p->bag);
}

/* ---- reading --------------------------------------------------------------------------------- */

int mlp_moment_of(const mlp_program *p, int k, bool in_lane) {
  const mlp_step *s = &p->step[k];
  return s->sweep * (2 * p->n_step + 1) + (s->tiled ? p->n_step + (in_lane ? k : 0) : k);
}

double mlp_step_flops(const mlp_program *p, const mlp_step *s) {
  if (!(s->call.row->flags & MLP_MATRICES) || s->call.n_out == 0) return 0;
  const mlp_shape *x = &p->view[s->in[0]].shape;
  double depth = x->ndim ? (double)x->dim[x->ndim - 1] : 1;
  return 2 * depth * (double)mlp_shape_count(&s->call.spec[0].shape);
}

bool mlp_step_is_test(const mlp_step *s) { return s->call.n_out == 0 && !s->call.row->writes; }

bool mlp_step_is_pure(const mlp_step *s) {
  return !s->call.in_place && !s->call.row->writes && !(s->call.row->flags & MLP_RANDOM);
}

static bool same_list(const mlp_value *a, const mlp_value *b) {
  int n = a->list.n;
  return n == b->list.n &&
         (n <= 0 || memcmp(a->list.item, b->list.item, (size_t)n * sizeof *a->list.item) == 0);
}

static bool same_value(mlp_arg_kind kind, const mlp_value *a, const mlp_value *b) {
  if (kind == MLP_ARG_NUMBER) return memcmp(&a->number, &b->number, sizeof a->number) == 0;
  if (kind == MLP_ARG_AXES || kind == MLP_ARG_SHAPE || kind == MLP_ARG_TIMES)
    return same_list(a, b);
  return a->integer == b->integer;
}

bool mlp_step_same_values(const mlp_step *a, const mlp_step *b) {
  int k = 0;
  for (const mlp_arg *arg = a->call.row->arg; arg < a->call.row->arg + MLP_MAX_ARGS; arg++) {
    if (arg->kind == MLP_ARG_END) break;
    bool value =
        arg->kind == MLP_ARG_LIST || (arg->kind >= MLP_ARG_NUMBER && arg->kind != MLP_ARG_STREAM);
    if (!value) continue;
    if (!same_value(arg->kind, &a->call.value[k], &b->call.value[k])) return false;
    k++;
  }
  return true;
}

void mlp_merge_buffers(mlp_program *p, int from, int to) {
  int last = p->buffer[to].base;
  if (from == to) return;
  while (p->view[last].next != MLP_NOWHERE) last = p->view[last].next;
  p->view[last].next = p->buffer[from].base;
  for (int v = p->buffer[from].base; v != MLP_NOWHERE; v = p->view[v].next) p->view[v].buffer = to;
  p->buffer[to].kept = p->buffer[to].kept || p->buffer[from].kept;
  p->buffer[from].base = MLP_NOWHERE;
}

int *mlp_stand_ins(mlp_program *p) {
  int *stand_in = mlp_bag_take(&p->bag, ((size_t)p->n_view + 1) * sizeof *stand_in);
  for (int v = 0; stand_in && v < p->n_view; v++) stand_in[v] = v;
  return stand_in;
}

void mlp_step_redirect(mlp_step *s, const int *stand_in) {
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != MLP_NOWHERE) s->in[i] = stand_in[s->in[i]];
  }
}

void mlp_program_without(mlp_program *p, const bool *gone) {
  int kept = 0;
  for (int i = 0; i < p->n_step; i++) {
    if (!gone[i]) p->step[kept++] = p->step[i];
  }
  p->n_step = kept;
}

bool mlp_view_is_whole(const mlp_program *p, int view) {
  const mlp_view *v = &p->view[view];
  int64_t step = 1;
  for (int i = v->shape.ndim - 1; i >= 0; i--) {
    if (v->shape.dim[i] > 1 && v->stride[i] != step) return false;
    step *= v->shape.dim[i];
  }
  return step == p->buffer[v->buffer].count && v->offset == 0;
}
