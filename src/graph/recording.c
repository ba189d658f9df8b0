#include "graph/recording.h"

#include <string.h>

void mlp_recording_start(mlp_recording *r, mlp_context *x, bool tolerant, bool rehearsal) {
  *r = (mlp_recording){.context = x,
                       .bag = {.memory = &x->memory},
                       .first_storage = x->next_storage,
                       .rehearsal = rehearsal,
                       .tolerant = tolerant};
  x->recording = r;
}

static void take_back(mlp_recording *r) {
  for (int64_t i = 0; i < r->n_saved; i++) {
    mlp_storage *s = r->saved[i].tensor->storage;
    memcpy(s->data, r->saved[i].before, s->bytes);
    mlp_tensor_changed(r->saved[i].tensor, "a rehearsal");
  }
  for (int64_t i = 0; i < r->n_drawn; i++) r->drawn[i].stream->serial = r->drawn[i].serial;
}

void mlp_recording_end(mlp_recording *r) {
  if (r->context->recording == r) r->context->recording = NULL;
  if (r->rehearsal) take_back(r);
  for (int64_t i = 0; i < r->n_saved; i++) mlp_tensor_drop(r->saved[i].tensor);
  for (int64_t i = 0; i < r->n_node; i++) mlp_node_drop(r->context, r->node[i]);
  for (int64_t i = 0; i < r->n_grad; i++) {
    mlp_tensor_drop(r->grad[i].leaf);
    mlp_tensor_drop(r->grad[i].before);
  }
  for (int64_t i = 0; i < r->n_outside; i++) mlp_tensor_drop(r->outside[i].tensor);
  mlp_bag_empty(&r->bag);
}

/* ---- storages -------------------------------------------------------------------------------- */

bool mlp_recording_made(const mlp_recording *r, uint64_t storage_id) {
  if (storage_id < r->first_storage) return false;
  int64_t i = (int64_t)(storage_id - r->first_storage);
  return i < r->n_made && r->made[i];
}

static mlp_status note_made(mlp_recording *r, uint64_t storage_id, mlp_error *e) {
  int64_t i = (int64_t)(storage_id - r->first_storage);
  if (i >= r->n_made) {
    int64_t room = 2 * (i + 32);
    uint8_t *longer = mlp_bag_take(&r->bag, (size_t)room);
    if (!longer) return mlp_no_memory(e, (size_t)room);
    if (r->n_made) memcpy(longer, r->made, (size_t)r->n_made);
    r->made = longer;
    r->n_made = room;
  }
  r->made[i] = 1;
  return MLP_OK;
}

/* ---- rehearsals ------------------------------------------------------------------------------ */

static mlp_storage *lender_of(mlp_storage *s) {
  while (s->lender) s = s->lender;
  return s;
}

static bool is_saved(const mlp_recording *r, const mlp_tensor *t) {
  for (int64_t i = 0; i < r->n_saved; i++) {
    if (lender_of(r->saved[i].tensor->storage) == lender_of(t->storage)) return true;
  }
  return false;
}

static mlp_status save_values(mlp_recording *r, mlp_tensor *t, mlp_error *e) {
  if (mlp_recording_made(r, mlp_tensor_storage_id(t)) || is_saved(r, t)) return MLP_OK;
  size_t bytes = t->storage->bytes;
  mlp_saved_values *longer = mlp_bag_grow(&r->bag, r->saved, r->n_saved, sizeof *longer);
  void *before = longer ? mlp_bag_take(&r->bag, bytes + 1) : NULL;
  if (!before) return mlp_no_memory(e, bytes);
  memcpy(before, t->storage->data, bytes);
  r->saved = longer;
  r->saved[r->n_saved++] = (mlp_saved_values){mlp_tensor_share(t), before};
  return MLP_OK;
}

static mlp_status save_stream(mlp_recording *r, const mlp_call *c, mlp_error *e) {
  for (int64_t i = 0; i < r->n_drawn; i++) {
    if (r->drawn[i].stream == c->stream) return MLP_OK;
  }
  mlp_saved_stream *longer = mlp_bag_grow(&r->bag, r->drawn, r->n_drawn, sizeof *longer);
  if (!longer) return mlp_no_memory(e, sizeof *longer);
  r->drawn = longer;
  r->drawn[r->n_drawn++] = (mlp_saved_stream){c->stream, c->serial};
  return MLP_OK;
}

mlp_status mlp_recording_before(mlp_recording *r, const mlp_call *c, mlp_error *e) {
  if (!r->rehearsal) return MLP_OK;
  if (c->row->flags & MLP_RANDOM) MLP_TRY(save_stream(r, c, e));
  for (int i = 0; i < c->n_in; i++) {
    if (c->in[i] && mlp_call_writes(c, i)) MLP_TRY(save_values(r, c->in[i], e));
  }
  return MLP_OK;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* A tensor as a plan sees it: with its values only where they come from outside. */
static mlp_tensor *described(const mlp_recording *r, const mlp_tensor *t) {
  mlp_tensor *d = mlp_tensor_alias(t);
  if (d && mlp_recording_made(r, mlp_tensor_storage_id(t))) mlp_tensor_forget_values(d);
  return d;
}

/* Whether a gradient is wanted of what comes from outside is part of what was recorded. */
static mlp_status note_outside(mlp_recording *r, mlp_tensor *t, mlp_error *e) {
  if (t->node || mlp_recording_made(r, mlp_tensor_storage_id(t)) || !mlp_is_float(t->dtype))
    return MLP_OK;
  for (int64_t i = 0; i < r->n_outside; i++) {
    if (r->outside[i].tensor == t) return MLP_OK;
  }
  mlp_noted_tensor *longer = mlp_bag_grow(&r->bag, r->outside, r->n_outside, sizeof *longer);
  if (!longer) return mlp_no_memory(e, sizeof *longer);
  r->outside = longer;
  r->outside[r->n_outside++] = (mlp_noted_tensor){mlp_tensor_share(t), t->requires_grad};
  return MLP_OK;
}

static mlp_status describe_all(const mlp_recording *r, mlp_tensor **to, mlp_tensor *const *from,
                               int n, mlp_error *e) {
  for (int i = 0; i < n; i++) {
    if (!from[i]) continue;
    to[i] = described(r, from[i]);
    if (!to[i]) return mlp_no_memory(e, sizeof *to[i]);
  }
  return MLP_OK;
}

/* What a call wrote into a constant of the function would be there already at a replay. */
static mlp_status refuse_change_of_constant(mlp_recording *r, const mlp_call *c, mlp_error *e) {
  for (int i = 0; i < c->n_in; i++) {
    if (!c->in[i] || !mlp_call_writes(c, i)) continue;
    uint64_t id = mlp_tensor_storage_id(c->in[i]);
    bool argument = c->in[i]->storage->lender != NULL;
    if (id >= r->first_storage && !argument && !mlp_recording_made(r, id))
      return mlp_recording_forbid(
          r, c->row->name, "changes a tensor that was made from Lua values in the same function",
          e);
  }
  return MLP_OK;
}

static mlp_status note_outputs(mlp_recording *r, const mlp_call *c, mlp_error *e) {
  for (int i = 0; i < c->n_out; i++) {
    if (mlp_call_makes(c, i)) MLP_TRY(note_made(r, c->out[i]->storage->id, e));
  }
  return MLP_OK;
}

mlp_status mlp_recording_add(mlp_recording *r, const mlp_call *c, mlp_error *e) {
  if (r->gave_up) return MLP_OK;
  if (c->row->flags & MLP_DYNAMIC) {
    r->gave_up = c->row->name;
    return MLP_OK;
  }
  MLP_TRY(refuse_change_of_constant(r, c, e));
  mlp_node **longer = mlp_bag_grow(&r->bag, r->node, r->n_node, sizeof *longer);
  mlp_node *n = longer ? mlp_node_new(c) : NULL;
  if (!n) return mlp_no_memory(e, sizeof *n);
  r->node = longer;
  r->node[r->n_node++] = n;
  for (int i = 0; i < c->n_in; i++) {
    if (c->in[i]) MLP_TRY(note_outside(r, c->in[i], e));
  }
  MLP_TRY(describe_all(r, n->call.in, c->in, c->n_in, e));
  MLP_TRY(note_outputs(r, c, e));
  return describe_all(r, n->call.out, c->out, c->n_out, e);
}

/* ---- gradients ------------------------------------------------------------------------------- */

static mlp_noted_grad *note_grad(mlp_recording *r, mlp_tensor *leaf) {
  for (int64_t i = 0; i < r->n_grad; i++) {
    if (r->grad[i].leaf == leaf) return &r->grad[i];
  }
  mlp_noted_grad *longer = mlp_bag_grow(&r->bag, r->grad, r->n_grad, sizeof *longer);
  if (!longer) return NULL;
  r->grad = longer;
  mlp_noted_grad *g = &r->grad[r->n_grad++];
  *g = (mlp_noted_grad){.leaf = mlp_tensor_share(leaf)};
  if (leaf->grad) g->before = mlp_tensor_share(leaf->grad);
  return g;
}

/* A leaf that the function makes, of an argument or by an operation, is another one at every call:
** its gradient is no state. */
static bool is_passing(const mlp_recording *r, const mlp_tensor *leaf) {
  return leaf->storage->lender || mlp_recording_made(r, mlp_tensor_storage_id(leaf));
}

mlp_status mlp_recording_read_grad(mlp_recording *r, mlp_tensor *leaf, mlp_error *e) {
  if (is_passing(r, leaf)) return MLP_OK;
  mlp_noted_grad *g = note_grad(r, leaf);
  if (!g) return mlp_no_memory(e, sizeof *g);
  if (!g->written) g->read = true;
  return MLP_OK;
}

mlp_status mlp_recording_write_grad(mlp_recording *r, mlp_tensor *leaf, mlp_error *e) {
  if (is_passing(r, leaf)) return MLP_OK;
  mlp_noted_grad *g = note_grad(r, leaf);
  if (!g) return mlp_no_memory(e, sizeof *g);
  g->written = true;
  return MLP_OK;
}

/* ---- what is not recorded -------------------------------------------------------------------- */

mlp_status mlp_recording_forbid(mlp_recording *r, const char *who, const char *what, mlp_error *e) {
  if (r->tolerant || r->gave_up) {
    if (!r->gave_up) r->gave_up = who;
    return MLP_OK;
  }
  return mlp_refuse(
      e,
      "%s %s while a function is being compiled, and a replay would not do that again; "
      "do it outside the function",
      who, what);
}
