#include "graph/apply.h"

#include <string.h>

#include "graph/recording.h"

extern const mlp_row mlp_row_contiguous, mlp_row_copy_;

/* ---- inputs as the row wants them ------------------------------------------------------------ */

/* Inputs that had to be copied; `original` is what the caller passed. */
typedef struct {
  mlp_tensor **original; /* (n_in) or NULL when nothing was copied */
} swapped;

/* The last two axes exchanged are still one block to a matrix product. */
static bool matrix_contiguous(const mlp_tensor *t) {
  int n = t->shape.ndim;
  if (mlp_tensor_contiguous(t)) return true;
  if (n < 2) return false;
  mlp_tensor turned = *t;
  turned.shape.dim[n - 1] = t->shape.dim[n - 2];
  turned.shape.dim[n - 2] = t->shape.dim[n - 1];
  turned.stride[n - 1] = t->stride[n - 2];
  turned.stride[n - 2] = t->stride[n - 1];
  return mlp_tensor_contiguous(&turned);
}

/* The same numbers under another view would change while they are read. */
static bool overlaps_target(const mlp_call *c, int i) {
  const mlp_tensor *a = c->in[0], *b = c->in[i];
  if (i == 0 || !mlp_call_writes(c, 0) || mlp_call_writes(c, i) || !b->storage ||
      a->storage != b->storage)
    return false;
  return a->offset != b->offset || !mlp_shape_equal(&a->shape, &b->shape) ||
         memcmp(a->stride, b->stride, (size_t)a->shape.ndim * sizeof *a->stride) != 0;
}

static bool wants_copy(const mlp_call *c, int i) {
  if (!c->in[i] || mlp_call_writes(c, i)) return false;
  if (overlaps_target(c, i)) return true;
  if (c->row->flags & MLP_STRIDED) return false;
  if (c->row->flags & MLP_MATRICES) return !matrix_contiguous(c->in[i]);
  return !mlp_tensor_contiguous(c->in[i]);
}

static mlp_status copy_input(mlp_call *c, int i, swapped *s, mlp_error *e) {
  size_t bytes = (size_t)c->n_in * sizeof *s->original;
  if (!s->original) {
    s->original = mlp_take(&c->context->memory, bytes);
    if (!s->original) return mlp_no_memory(e, bytes);
    memcpy(s->original, c->in, bytes);
  }
  mlp_call copy;
  mlp_call_init(&copy, c->context, &mlp_row_contiguous, 1, &s->original[i]);
  MLP_TRY(mlp_apply(&copy, e));
  c->in[i] = copy.out[0];
  return MLP_OK;
}

static mlp_status arrange_inputs(mlp_call *c, swapped *s, mlp_error *e) {
  for (int i = 0; i < c->n_in; i++) {
    if (wants_copy(c, i)) MLP_TRY(copy_input(c, i, s, e));
  }
  return MLP_OK;
}

static void restore_inputs(mlp_call *c, swapped *s) {
  if (!s->original) return;
  for (int i = 0; i < c->n_in; i++) {
    if (c->in[i] != s->original[i]) mlp_tensor_drop(c->in[i]);
    c->in[i] = s->original[i];
  }
  mlp_give(&c->context->memory, s->original, (size_t)c->n_in * sizeof *s->original);
}

/* ---- history --------------------------------------------------------------------------------- */

/* Decides whether the call is traced; a value changed behind its history's back is refused. */
static mlp_status look_back(mlp_call *c, mlp_error *e) {
  bool records = c->context->no_grad_depth == 0 && !(c->row->flags & MLP_NO_GRADIENT);
  c->traced = false;
  for (int i = 0; i < c->n_in; i++) {
    const mlp_tensor *t = c->in[i];
    if (t && !t->storage)
      return mlp_refuse(e, "%s: %s was not saved for this derivative", c->row->name,
                        mlp_in_name(c, i));
    if (!records || !t || !mlp_tensor_traced(t)) continue;
    if (t->node && t->history_version != t->storage->version)
      return mlp_refuse(e,
                        "%s: %s was changed in place by %s since it was computed, through another "
                        "tensor that shares its storage or under no_grad, so its history no longer "
                        "describes it",
                        c->row->name, mlp_in_name(c, i), t->storage->changed_by);
    c->traced = true;
  }
  return MLP_OK;
}

/* A row that only works in place has a name with _ of its own; others have a twin of that name. */
static const char *underscore(const mlp_row *row) { return row->writes & 1 ? "" : "_"; }

static mlp_status refuse_in_place(const mlp_call *c, const char *why, mlp_error *e) {
  return mlp_refuse(e, "%s%s: %s; make a new tensor instead, or change it under mlp.no_grad",
                    c->row->name, underscore(c->row), why);
}

static mlp_status may_change(const mlp_call *c, mlp_error *e) {
  const mlp_tensor *t = c->in[0];
  if (!c->in_place || c->context->no_grad_depth > 0) return MLP_OK;
  if (t->requires_grad && !t->node)
    return refuse_in_place(c, "the tensor is a leaf that requires a gradient", e);
  if (t->is_view && t->node) return refuse_in_place(c, "the tensor is a view with history", e);
  if (t->is_view && c->traced)
    return refuse_in_place(
        c, "the tensor is a view, and the gradient would not reach the tensor that it views", e);
  return MLP_OK;
}

/* ---- outputs --------------------------------------------------------------------------------- */

static mlp_status view_output(mlp_call *c, int i, mlp_error *e) {
  const mlp_spec *s = &c->spec[i];
  mlp_tensor *t = mlp_tensor_alias(c->in[s->view_of]);
  if (!t) return mlp_no_memory(e, sizeof *t);
  t->shape = s->shape;
  memcpy(t->stride, s->stride, sizeof t->stride);
  t->offset = s->offset;
  t->is_view = true;
  c->out[i] = t;
  return MLP_OK;
}

static mlp_status fits_in_place(const mlp_call *c, mlp_error *e) {
  const mlp_spec *s = &c->spec[0];
  char want[MLP_SHAPE_TEXT], have[MLP_SHAPE_TEXT];
  if (s->dtype != c->in[0]->dtype)
    return mlp_refuse(e, "%s%s: the result is %s but the tensor is %s", c->row->name,
                      underscore(c->row), mlp_dtype_name(s->dtype),
                      mlp_dtype_name(c->in[0]->dtype));
  if (mlp_shape_equal(&s->shape, &c->in[0]->shape)) return MLP_OK;
  return mlp_refuse(e, "%s%s: the result is %s but the tensor is %s", c->row->name,
                    underscore(c->row), mlp_shape_text(want, &s->shape),
                    mlp_shape_text(have, &c->in[0]->shape));
}

/* A row that only knows contiguous outputs works beside a strided target and is copied into it. */
static bool beside_target(const mlp_call *c) {
  return c->in_place && !(c->row->writes & 1) && !mlp_tensor_contiguous(c->in[0]);
}

static mlp_status make_outputs(mlp_call *c, mlp_error *e) {
  if (c->in_place) MLP_TRY(fits_in_place(c, e));
  for (int i = 0; i < c->n_out; i++) {
    if (c->spec[i].view_of >= 0) {
      MLP_TRY(view_output(c, i, e));
      continue;
    }
    if (i == 0 && c->in_place && !beside_target(c)) {
      c->out[0] = mlp_tensor_share(c->in[0]);
      continue;
    }
    c->out[i] = mlp_tensor_new(c->context, c->spec[i].dtype, &c->spec[i].shape);
    if (!c->out[i])
      return mlp_no_memory(
          e, (size_t)mlp_shape_count(&c->spec[i].shape) * mlp_dtype_bytes(c->spec[i].dtype));
  }
  if (c->work_bytes == 0) return MLP_OK;
  c->work = mlp_take(&c->context->memory, c->work_bytes);
  return c->work ? MLP_OK : mlp_no_memory(e, c->work_bytes);
}

static void drop_outputs(mlp_call *c) {
  for (int i = 0; i < c->n_out; i++) {
    mlp_tensor_drop(c->out[i]);
    c->out[i] = NULL;
  }
}

/* ---- the call -------------------------------------------------------------------------------- */

static mlp_status move_into_target(mlp_call *c, mlp_error *e) {
  mlp_tensor *pair[2] = {c->in[0], c->out[0]};
  mlp_call copy;
  mlp_call_init(&copy, c->context, &mlp_row_copy_, 2, pair);
  c->context->no_grad_depth++;
  mlp_status status = mlp_apply(&copy, e);
  c->context->no_grad_depth--;
  if (status != MLP_OK) return status;
  mlp_tensor_drop(c->out[0]);
  c->out[0] = copy.out[0];
  return MLP_OK;
}

static void note_changes(mlp_call *c) {
  for (int i = 0; i < c->n_in; i++) {
    if (c->in[i] && mlp_call_writes(c, i)) mlp_tensor_changed(c->in[i], c->row->name);
  }
}

/* A call that works beside its target and is copied into it is no change in place by itself. */
static mlp_status record(const mlp_call *c, bool in_place, mlp_error *e) {
  mlp_call as_run = *c;
  as_run.in_place = in_place;
  return mlp_recording_add(c->context->recording, &as_run, e);
}

static mlp_status compute(mlp_call *c, mlp_error *e) {
  MLP_TRY(make_outputs(c, e));
  if (c->context->recording) MLP_TRY(mlp_recording_before(c->context->recording, c, e));
  c->row->run(c);
  if (c->failure) return mlp_refuse(e, "%s: %s", c->row->name, c->failure);
  bool beside = c->in_place && c->out[0] != c->in[0];
  if (c->context->recording) MLP_TRY(record(c, !beside && c->in_place, e));
  if (beside) return move_into_target(c, e);
  note_changes(c);
  return MLP_OK;
}

/* What an operation without a derivative wrote in place (random numbers) is a new beginning. */
static void forget_history(mlp_tensor *t) {
  if (!t->node) return;
  mlp_node_drop(t->context, t->node);
  t->node = NULL;
}

static mlp_status run_arranged(mlp_call *c, mlp_error *e) {
  MLP_TRY(may_change(c, e));
  MLP_TRY(c->row->infer(c, e));
  if (c->row->check) MLP_TRY(c->row->check(c, e));
  mlp_status status = compute(c, e);
  mlp_give(&c->context->memory, c->work, c->work_bytes);
  c->work = NULL;
  if (status == MLP_OK && c->traced) status = mlp_node_record(c, e);
  if (status != MLP_OK) {
    drop_outputs(c);
    return status;
  }
  if (c->in_place && !c->traced && c->context->no_grad_depth == 0) forget_history(c->in[0]);
  for (int i = c->row->n_out; i < c->n_out; i++) { /* hidden outputs now belong to the node */
    mlp_tensor_drop(c->out[i]);
    c->out[i] = NULL;
  }
  return MLP_OK;
}

mlp_status mlp_apply(mlp_call *c, mlp_error *e) {
  swapped s = {NULL};
  if (c->row->writes & 1 && c->row->n_out > 0) c->in_place = true;
  MLP_TRY(look_back(c, e));
  mlp_status status = arrange_inputs(c, &s, e);
  if (status == MLP_OK) status = run_arranged(c, e);
  restore_inputs(c, &s);
  return status;
}
