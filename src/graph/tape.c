#include "graph/tape.h"

#include <stdlib.h>
#include <string.h>

#include "graph/apply.h"
#include "graph/recording.h"
#include "op/build.h"

extern const mlp_row mlp_row_add, mlp_row_clone, mlp_row_expand;

/* Everything one walk holds; what it owns is let go in walk_end, however the walk ends. */
typedef struct {
  mlp_context *context;
  const mlp_walk *wish;
  mlp_node **node; /* every node behind the root, newest first once sorted */
  int64_t n_node, capacity;
  mlp_tensor *waiting; /* leaves with something pending, linked by next_pending */
  mlp_tensor **caught; /* (n_target) gradients of targets that are not leaves */
} walk;

/* ---- adding gradients ------------------------------------------------------------------------ */

/* *total += grad. Takes over one reference to grad, also when it fails. */
static mlp_status accumulate(walk *w, mlp_tensor **total, mlp_tensor *grad, mlp_error *e) {
  if (!*total) {
    *total = grad;
    return MLP_OK;
  }
  mlp_tensor *pair[2] = {*total, grad};
  mlp_call add;
  mlp_call_init(&add, w->context, &mlp_row_add, 2, pair);
  add.in_place = !w->wish->create_graph && mlp_tensor_exclusive(*total);
  mlp_status status = mlp_apply(&add, e);
  mlp_tensor_drop(grad);
  if (status != MLP_OK) return status;
  mlp_tensor_drop(*total);
  *total = add.out[0];
  return MLP_OK;
}

static mlp_status add_to_leaf(walk *w, mlp_tensor *leaf, mlp_tensor *grad, mlp_error *e) {
  if (!leaf->pending) {
    leaf->next_pending = w->waiting;
    w->waiting = mlp_tensor_share(leaf);
  }
  return accumulate(w, &leaf->pending, grad, e);
}

/* ---- which nodes ----------------------------------------------------------------------------- */

static mlp_status visit(walk *w, mlp_node *n, uint64_t id, mlp_error *e) {
  if (!n || n->walk == id) return MLP_OK;
  if (w->n_node == w->capacity) {
    int64_t capacity = w->capacity ? 2 * w->capacity : 64;
    size_t bytes = (size_t)capacity * sizeof *w->node;
    mlp_node **longer = mlp_take(&w->context->memory, bytes);
    if (!longer) return mlp_no_memory(e, bytes);
    if (w->n_node) memcpy(longer, w->node, (size_t)w->n_node * sizeof *longer);
    mlp_give(&w->context->memory, w->node, (size_t)w->capacity * sizeof *w->node);
    w->node = longer;
    w->capacity = capacity;
  }
  n->walk = id;
  n->refs++;
  w->node[w->n_node++] = n;
  return MLP_OK;
}

static int newest_first(const void *a, const void *b) {
  uint64_t p = (*(mlp_node *const *)a)->sequence, q = (*(mlp_node *const *)b)->sequence;
  return p < q ? 1 : -1;
}

static mlp_status find_nodes(walk *w, mlp_error *e) {
  uint64_t id = ++w->context->next_walk;
  MLP_TRY(visit(w, w->wish->root->node, id, e));
  for (int64_t k = 0; k < w->n_node; k++) {
    mlp_call *c = &w->node[k]->call;
    for (int i = 0; i < c->n_in; i++) {
      if (c->in[i]) MLP_TRY(visit(w, c->in[i]->node, id, e));
    }
  }
  if (w->n_node) qsort(w->node, (size_t)w->n_node, sizeof *w->node, newest_first);
  return MLP_OK;
}

static bool same_place(const mlp_tensor *target, const mlp_tensor *t) {
  if (target == t) return true;
  return target->node && target->node == t->node && target->node_output == t->node_output;
}

/* Is t a target, or a leaf that collects when there are no targets? */
static bool wanted_itself(const walk *w, const mlp_tensor *t) {
  if (!w->wish->target) return t->requires_grad && !t->node;
  for (int k = 0; k < w->wish->n_target; k++) {
    if (same_place(w->wish->target[k], t)) return true;
  }
  return false;
}

static bool wants_grad(const walk *w, const mlp_tensor *t) {
  return t && (wanted_itself(w, t) || (t->node && t->node->needed));
}

/* Oldest first: a node is needed when something wanted lies behind it. */
static void mark_needed(walk *w) {
  for (int64_t k = w->n_node - 1; k >= 0; k--) {
    mlp_node *n = w->node[k];
    n->needed = false;
    for (int i = 0; i < n->call.n_in && !n->needed; i++) n->needed = wants_grad(w, n->call.in[i]);
  }
}

/* ---- one node -------------------------------------------------------------------------------- */

/* An output as a value: with its history when the walk itself is recorded. */
static mlp_tensor *output_value(mlp_vjp *v, int i) {
  mlp_node *n = (mlp_node *)((char *)v->call - offsetof(mlp_node, call));
  mlp_tensor *kept = n->call.out[i];
  mlp_tensor *t = kept ? mlp_tensor_alias(kept) : NULL;
  if (!t) {
    v->status = mlp_no_memory(v->error, sizeof *t);
    return NULL;
  }
  if (v->call->context->no_grad_depth == 0 && mlp_is_float(t->dtype)) {
    t->node = n;
    t->node_output = i;
    t->history_version = t->storage->version;
    n->refs++;
  }
  return t;
}

static mlp_status receive(walk *w, mlp_node *n, int i, mlp_tensor *grad, mlp_error *e) {
  mlp_tensor *t = n->call.in[i];
  if (!mlp_shape_equal(&grad->shape, &t->shape) || grad->dtype != t->dtype) {
    char got[MLP_SHAPE_TEXT], want[MLP_SHAPE_TEXT];
    mlp_status status =
        mlp_refuse(e, "backward: the derivative of %s by %s is %s %s but the value is %s %s",
                   n->call.row->name, mlp_in_name(&n->call, i), mlp_dtype_name(grad->dtype),
                   mlp_shape_text(got, &grad->shape), mlp_dtype_name(t->dtype),
                   mlp_shape_text(want, &t->shape));
    mlp_tensor_drop(grad);
    return status;
  }
  if (t->node) return accumulate(w, &t->node->grad[t->node_output], grad, e);
  return add_to_leaf(w, t, grad, e);
}

static mlp_status refuse_walk(const mlp_node *n, mlp_error *e) {
  if (n->released)
    return mlp_refuse(e,
                      "backward: the values that %s saved were freed by an earlier backward; pass "
                      "{retain_graph = true} to that one",
                      n->call.row->name);
  if (!n->call.row->vjp) return mlp_refuse(e, "backward: %s has no derivative", n->call.row->name);
  return mlp_node_unchanged(n, e);
}

/* wanted and grad_in are (n_in) scratch. */
static mlp_status pull_back(walk *w, mlp_node *n, bool *wanted, mlp_tensor **grad_in,
                            mlp_error *e) {
  mlp_vjp v = {.call = &n->call,
               .grad_out = n->grad,
               .grad_in = grad_in,
               .wanted = wanted,
               .error = e,
               .apply = mlp_apply,
               .output = output_value};
  for (int i = 0; i < n->call.n_in; i++) wanted[i] = wants_grad(w, n->call.in[i]);
  n->call.row->vjp(&v);
  for (int i = 0; i < n->call.n_in; i++) {
    if (!grad_in[i]) continue;
    if (v.status == MLP_OK)
      v.status = receive(w, n, i, grad_in[i], e);
    else
      mlp_tensor_drop(grad_in[i]);
  }
  for (int k = 0; k < v.n_lent; k++) mlp_tensor_drop(v.lent[k]);
  mlp_give(&w->context->memory, v.lent, (size_t)v.lent_capacity * sizeof *v.lent);
  return v.status;
}

static mlp_status differentiate(walk *w, mlp_node *n, mlp_error *e) {
  size_t bytes = (size_t)n->call.n_in * (sizeof(mlp_tensor *) + sizeof(bool));
  MLP_TRY(refuse_walk(n, e));
  mlp_tensor **grad_in = mlp_take_zeroed(&w->context->memory, bytes);
  if (!grad_in) return mlp_no_memory(e, bytes);
  mlp_status status = pull_back(w, n, (bool *)(grad_in + n->call.n_in), grad_in, e);
  mlp_give(&w->context->memory, grad_in, bytes);
  return status;
}

static void drop_grads(mlp_node *n) {
  for (int i = 0; i < n->call.n_out; i++) {
    mlp_tensor_drop(n->grad[i]);
    n->grad[i] = NULL;
  }
}

static bool reached(const mlp_node *n) {
  for (int i = 0; i < n->call.n_out; i++) {
    if (n->grad[i]) return true;
  }
  return false;
}

/* Targets that are outputs of n have all of their gradient when n's turn comes. */
static void catch_targets(walk *w, const mlp_node *n) {
  for (int k = 0; k < w->wish->n_target; k++) {
    const mlp_tensor *t = w->wish->target[k];
    if (t->node != n || !n->grad[t->node_output] || w->caught[k]) continue;
    w->caught[k] = mlp_tensor_share(n->grad[t->node_output]);
  }
}

static mlp_status go_through(walk *w, mlp_error *e) {
  for (int64_t k = 0; k < w->n_node; k++) {
    mlp_node *n = w->node[k];
    if (!reached(n)) continue;
    catch_targets(w, n);
    if (n->needed) MLP_TRY(differentiate(w, n, e));
    drop_grads(n);
    if (!w->wish->retain_graph) mlp_node_release(n);
  }
  return MLP_OK;
}

/* ---- the seed and the end -------------------------------------------------------------------- */

static void write_one(mlp_tensor *t) {
  if (t->dtype == MLP_F32)
    *(float *)mlp_tensor_data(t) = 1.0f;
  else
    *(double *)mlp_tensor_data(t) = 1.0;
}

static mlp_status seed_of(const walk *w, mlp_tensor **seed, mlp_error *e) {
  const mlp_tensor *root = w->wish->root;
  char have[MLP_SHAPE_TEXT], want[MLP_SHAPE_TEXT];
  mlp_tensor *given = w->wish->seed;
  if (given && mlp_shape_equal(&given->shape, &root->shape) && given->dtype == root->dtype) {
    *seed = mlp_tensor_share(given);
    return MLP_OK;
  }
  if (given)
    return mlp_refuse(e, "backward: the gradient is %s %s but the value is %s %s",
                      mlp_dtype_name(given->dtype), mlp_shape_text(have, &given->shape),
                      mlp_dtype_name(root->dtype), mlp_shape_text(want, &root->shape));
  if (mlp_tensor_count(root) != 1)
    return mlp_refuse(e,
                      "backward: the value is %s; a value of one element is wanted (:sum(), "
                      ":mean()), or its gradient as an argument",
                      mlp_shape_text(have, &root->shape));
  *seed = mlp_tensor_new(w->context, root->dtype, &root->shape);
  if (!*seed) return mlp_no_memory(e, mlp_dtype_bytes(root->dtype));
  write_one(*seed);
  return MLP_OK;
}

static mlp_status start(walk *w, mlp_error *e) {
  mlp_tensor *root = w->wish->root, *seed;
  if (!mlp_tensor_traced(root))
    return mlp_refuse(e,
                      "backward: nothing behind this value requires a gradient "
                      "(w:requires_grad_() asks for one)");
  if (root->node && root->history_version != root->storage->version)
    return mlp_refuse(e, "backward: the value was changed in place by %s since it was computed",
                      root->storage->changed_by);
  MLP_TRY(seed_of(w, &seed, e));
  if (root->node) return accumulate(w, &root->node->grad[root->node_output], seed, e);
  if (wanted_itself(w, root)) return add_to_leaf(w, root, seed, e);
  mlp_tensor_drop(seed);
  return MLP_OK;
}

/* A gradient of the leaf's own: no one else's storage, no history. */
static mlp_status settle(walk *w, mlp_tensor *leaf, mlp_error *e) {
  mlp_recording *r = w->context->recording;
  if (r) MLP_TRY(mlp_recording_read_grad(r, leaf, e));
  if (r) MLP_TRY(mlp_recording_write_grad(r, leaf, e));
  if (leaf->grad) {
    mlp_tensor *pair[2] = {leaf->grad, leaf->pending};
    mlp_call add;
    mlp_call_init(&add, w->context, &mlp_row_add, 2, pair);
    add.in_place = true;
    MLP_TRY(mlp_apply(&add, e));
    mlp_tensor_drop(add.out[0]);
    return MLP_OK;
  }
  if (mlp_tensor_exclusive(leaf->pending)) {
    leaf->grad = leaf->pending;
    leaf->pending = NULL;
    return MLP_OK;
  }
  mlp_call clone;
  mlp_call_init(&clone, w->context, &mlp_row_clone, 1, &leaf->pending);
  MLP_TRY(mlp_apply(&clone, e));
  leaf->grad = clone.out[0];
  return MLP_OK;
}

static mlp_status settle_all(walk *w, mlp_error *e) {
  for (mlp_tensor *leaf = w->waiting; leaf; leaf = leaf->next_pending) MLP_TRY(settle(w, leaf, e));
  return MLP_OK;
}

static void hand_over(walk *w, mlp_tensor **grad) {
  for (int k = 0; k < w->wish->n_target; k++) {
    mlp_tensor *t = w->wish->target[k];
    mlp_tensor *found = w->caught[k] ? w->caught[k] : t->pending;
    grad[k] = found ? mlp_tensor_share(found) : NULL;
  }
}

static void walk_end(walk *w) {
  mlp_memory *m = &w->context->memory;
  for (int64_t k = 0; k < w->n_node; k++) {
    drop_grads(w->node[k]);
    mlp_node_drop(w->context, w->node[k]);
  }
  mlp_give(m, w->node, (size_t)w->capacity * sizeof *w->node);
  while (w->waiting) {
    mlp_tensor *leaf = w->waiting;
    w->waiting = leaf->next_pending;
    leaf->next_pending = NULL;
    mlp_tensor_drop(leaf->pending);
    leaf->pending = NULL;
    mlp_tensor_drop(leaf);
  }
  for (int k = 0; w->caught && k < w->wish->n_target; k++) mlp_tensor_drop(w->caught[k]);
  mlp_give(m, w->caught, (size_t)w->wish->n_target * sizeof *w->caught);
}

static mlp_status walk_graph(walk *w, mlp_tensor **grad, mlp_error *e) {
  size_t bytes = (size_t)w->wish->n_target * sizeof *w->caught;
  if (w->wish->target) {
    w->caught = mlp_take_zeroed(&w->context->memory, bytes);
    if (!w->caught) return mlp_no_memory(e, bytes);
  }
  MLP_TRY(find_nodes(w, e));
  mark_needed(w);
  MLP_TRY(start(w, e));
  MLP_TRY(go_through(w, e));
  if (!w->wish->target) return settle_all(w, e);
  hand_over(w, grad);
  return MLP_OK;
}

mlp_status mlp_backward(mlp_context *x, const mlp_walk *wish, mlp_tensor **grad, mlp_error *e) {
  walk w = {.context = x, .wish = wish};
  if (!wish->create_graph) x->no_grad_depth++;
  mlp_status status = walk_graph(&w, grad, e);
  if (!wish->create_graph) x->no_grad_depth--;
  walk_end(&w);
  return status;
}
