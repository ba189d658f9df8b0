/*
** A sum with a product is added to by the product. Law: where t, made by a row that can add to its
** output (MLP_ADDS), is read by one addition alone, z + t or z += t, and nobody touches z from the
** making of t to the end of the addition, t's step adds to z instead and the addition goes. A sum
** that is not in place must be the last to read z; who reads the sum then reads z.
*/
#include "graph/program.h"

extern const mlp_row mlp_row_add;

/* The steps that touch a buffer: the first makes it, when a step does. */
typedef struct {
  int first, last, n;
  int before; /* the last of them before the step that the walk is at, or MLP_NOWHERE */
} touches;

typedef struct {
  mlp_program *p;
  touches *of;   /* (n_buffer) */
  int *stand_in; /* (n_view) sums that went are read where they were added up */
} walk;

static bool start_walk(walk *w, mlp_program *p) {
  *w =
      (walk){p, mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *w->of), mlp_stand_ins(p)};
  for (int b = 0; w->of && b < p->n_buffer; b++)
    w->of[b] = (touches){MLP_NOWHERE, MLP_NOWHERE, 0, MLP_NOWHERE};
  for (int k = 0; w->of && k < p->n_step; k++) {
    for (int i = 0; i < mlp_step_views(&p->step[k]); i++) {
      int v = mlp_step_view(&p->step[k], i);
      touches *t = v == MLP_NOWHERE ? NULL : &w->of[p->view[v].buffer];
      if (!t || t->last == k) continue;
      if (t->n++ == 0) t->first = k;
      t->last = k;
    }
  }
  return w->of && w->stand_in;
}

static void pass_by(const walk *w, int k) {
  for (int i = 0; i < mlp_step_views(&w->p->step[k]); i++) {
    int v = mlp_step_view(&w->p->step[k], i);
    if (v != MLP_NOWHERE) w->of[w->p->view[v].buffer].before = k;
  }
}

static bool same_shape(const mlp_program *p, int a, int b) {
  return p->view[a].dtype == p->view[b].dtype &&
         mlp_shape_equal(&p->view[a].shape, &p->view[b].shape);
}

/* Is t made by a product that can add, for the addition at step `sum` alone? */
static bool only_added(const walk *w, int t, int sum) {
  const mlp_program *p = w->p;
  const mlp_buffer *b = mlp_buffer_of(p, t);
  const touches *of = &w->of[p->view[t].buffer];
  const mlp_step *product = &p->step[of->first];
  return b->origin == MLP_FROM_STEP && !b->kept && of->n == 2 && of->last == sum &&
         mlp_view_is_whole(p, t) && product->call.row->flags & MLP_ADDS &&
         product->call.n_out == 1 && product->out[0] == t && !product->call.accumulate;
}

/* Does z lie still from step k to the addition at step `sum`, and is it free to become the sum? */
static bool lies_still(const walk *w, int z, int k, int sum) {
  const mlp_buffer *b = mlp_buffer_of(w->p, z);
  const touches *of = &w->of[w->p->view[z].buffer];
  bool free = w->p->step[sum].call.in_place || (!b->kept && of->last == sum);
  return b->origin == MLP_FROM_STEP && mlp_view_is_whole(w->p, z) && of->before < k && free;
}

static void add_to(walk *w, int z, int k, int sum) {
  mlp_program *p = w->p;
  int y = p->step[sum].out[0], zb = p->view[z].buffer, yb = p->view[y].buffer;
  w->stand_in[y] = z;
  p->step[k].call.accumulate = true;
  p->step[k].out[0] = z;
  w->of[zb].before = k;
  if (yb == zb) return;
  w->of[zb].last = w->of[yb].last;
  w->of[zb].n += w->of[yb].n - 1;
  mlp_merge_buffers(p, yb, zb);
}

/* Tries both operands of the addition; what is added to in place is never t. */
static bool join(walk *w, int sum) {
  const mlp_step *add = &w->p->step[sum];
  for (int i = add->call.in_place ? 1 : 0; i < 2; i++) {
    int t = add->in[i], z = add->in[1 - i], k = w->of[w->p->view[t].buffer].first;
    if (!only_added(w, t, sum) || !same_shape(w->p, t, z) || !lies_still(w, z, k, sum)) continue;
    add_to(w, z, k, sum);
    return true;
  }
  return false;
}

void mlp_pass_accumulate(mlp_program *p) {
  walk w;
  bool *gone = mlp_bag_take(&p->bag, (size_t)p->n_step + 1);
  if (!gone || !start_walk(&w, p)) return; /* it only saves work */
  for (int k = 0; k < p->n_step; k++) {
    mlp_step_redirect(&p->step[k], w.stand_in);
    gone[k] = p->step[k].call.row == &mlp_row_add && join(&w, k);
    if (!gone[k]) pass_by(&w, k);
  }
  mlp_program_without(p, gone);
}
