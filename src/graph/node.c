#include "graph/node.h"

#include <string.h>

/* ---- recording ------------------------------------------------------------------------------- */

static bool in_mask(uint64_t mask, int i) { return mask >> (i < 63 ? i : 63) & 1; }

/* Shape and history of t without its values. */
static mlp_tensor *stand_in(const mlp_tensor *t) {
  mlp_tensor *s = mlp_tensor_alias(t);
  if (!s) return NULL;
  mlp_tensor_forget_values(s);
  s->node = t->node;
  s->node_output = t->node_output;
  if (s->node) s->node->refs++;
  return s;
}

/* The values and the history of t as they are now: t itself may go on to another history when it is
** changed in place, and this call did not read that. */
static mlp_tensor *present_self(const mlp_tensor *t) {
  mlp_tensor *s = mlp_tensor_alias(t);
  if (!s) return NULL;
  s->node = t->node;
  s->node_output = t->node_output;
  s->history_version = t->history_version;
  if (s->node) s->node->refs++;
  return s;
}

static mlp_status keep_input(mlp_node *n, const mlp_call *c, int i, mlp_error *e) {
  mlp_tensor *t = c->in[i], *kept;
  if (!t) return MLP_OK;
  bool saved = in_mask(c->save_in, i), leaf = t->requires_grad && !t->node;
  bool overwritten = c->in_place && i == 0;
  if (leaf)
    kept = mlp_tensor_share(t);
  else
    kept = saved ? present_self(t) : stand_in(t);
  if (!kept) return mlp_no_memory(e, sizeof *kept);
  n->call.in[i] = kept;
  n->version[i] = t->storage->version - (overwritten ? 1 : 0);
  return MLP_OK;
}

static mlp_status keep_output(mlp_node *n, const mlp_call *c, int i, mlp_error *e) {
  bool hidden = i >= c->row->n_out;
  if (!hidden && !in_mask(c->save_out, i)) return MLP_OK;
  n->call.out[i] = hidden ? mlp_tensor_share(c->out[i]) : mlp_tensor_alias(c->out[i]);
  if (!n->call.out[i]) return mlp_no_memory(e, sizeof(mlp_tensor));
  n->version[c->n_in + i] = c->out[i]->storage->version;
  return MLP_OK;
}

mlp_node *mlp_node_new(const mlp_call *c) {
  size_t n_in = (size_t)c->n_in, n_out = (size_t)c->n_out;
  size_t bytes = sizeof(mlp_node) + n_in * sizeof(mlp_tensor *) + (n_in + n_out) * sizeof(uint64_t);
  mlp_node *n = mlp_take(&c->context->memory, bytes);
  if (!n) return NULL;
  n->refs = 1;
  n->bytes = bytes;
  n->sequence = c->context->next_sequence++;
  n->released = n->passed = n->needed = false;
  n->walk = 0;
  n->call = *c;
  n->call.in = (mlp_tensor **)(n + 1);
  n->version = (uint64_t *)(n->call.in + n_in);
  n->call.work = NULL;
  memset(n->call.in, 0, n_in * sizeof *n->call.in);
  memset(n->call.out, 0, sizeof n->call.out);
  memset(n->grad, 0, sizeof n->grad);
  return n;
}

static void adopt(mlp_node *n, mlp_tensor *t, int i) {
  mlp_node *former = t->node;
  t->node = n;
  t->node_output = i;
  t->history_version = t->storage->version;
  n->refs++;
  if (former) mlp_node_drop(t->context, former);
}

mlp_status mlp_node_record(mlp_call *c, mlp_error *e) {
  mlp_status status = MLP_OK;
  mlp_node *n = mlp_node_new(c);
  if (!n) return mlp_no_memory(e, sizeof *n);
  for (int i = 0; i < c->n_in && status == MLP_OK; i++) status = keep_input(n, c, i, e);
  for (int i = 0; i < c->n_out && status == MLP_OK; i++) status = keep_output(n, c, i, e);
  for (int i = 0; i < c->row->n_out && status == MLP_OK; i++) {
    if (mlp_is_float(c->out[i]->dtype)) adopt(n, c->out[i], i);
  }
  mlp_node_drop(c->context, n);
  return status;
}

/* ---- letting go ------------------------------------------------------------------------------ */

void mlp_node_release(mlp_node *n) {
  n->passed = true;
  for (int i = 0; i < n->call.n_in; i++) {
    mlp_tensor *t = n->call.in[i];
    if (!t || !t->storage || !in_mask(n->call.save_in, i)) continue;
    n->released = true;
    if (t->requires_grad && !t->node) continue; /* a leaf still collects its gradient here */
    mlp_tensor *shape_only = stand_in(t);
    if (!shape_only) continue; /* no memory to save memory with: keep the values */
    n->call.in[i] = shape_only;
    mlp_tensor_drop(t);
  }
  for (int i = 0; i < n->call.n_out; i++) {
    if (!n->call.out[i]) continue;
    n->released = true;
    mlp_tensor_drop(n->call.out[i]);
    n->call.out[i] = NULL;
  }
}

static void node_free(mlp_context *x, mlp_node *n) {
  for (int i = 0; i < n->call.n_in; i++) mlp_tensor_drop(n->call.in[i]);
  for (int i = 0; i < n->call.n_out; i++) mlp_tensor_drop(n->call.out[i]);
  mlp_give(&x->memory, n, n->bytes);
}

/* Freeing a node drops tensors, whose nodes come back here: they queue up instead of nesting. */
void mlp_node_drop(mlp_context *x, mlp_node *n) {
  if (--n->refs > 0) return;
  n->next = x->dying;
  x->dying = n;
  if (x->draining) return;
  x->draining = true;
  while (x->dying) {
    mlp_node *first = x->dying;
    x->dying = first->next;
    node_free(x, first);
  }
  x->draining = false;
}

/* ---- versions -------------------------------------------------------------------------------- */

static mlp_status changed(const mlp_node *n, const mlp_tensor *t, const char *what, mlp_error *e) {
  char text[MLP_SHAPE_TEXT];
  return mlp_refuse(e,
                    "backward: %s saved its %s %s, which %s has since changed in place; "
                    "use the form without _ there, or change it before %s reads it",
                    n->call.row->name, what, mlp_shape_text(text, &t->shape),
                    t->storage->changed_by ? t->storage->changed_by : "an operation",
                    n->call.row->name);
}

mlp_status mlp_node_unchanged(const mlp_node *n, mlp_error *e) {
  const mlp_call *c = &n->call;
  for (int i = 0; i < c->n_in; i++) {
    const mlp_tensor *t = c->in[i];
    if (t && t->storage && in_mask(c->save_in, i) && t->storage->version != n->version[i])
      return changed(n, t, mlp_in_name(c, i), e);
  }
  for (int i = 0; i < c->n_out; i++) {
    const mlp_tensor *t = c->out[i];
    if (t && t->storage->version != n->version[c->n_in + i]) return changed(n, t, "result", e);
  }
  return MLP_OK;
}
