/*
** What is computed twice is computed once. Law: two pure steps of one row with the same values and
** the same views, nothing written to the buffers of those views in between, make the same numbers;
** the later one goes and who reads its outputs reads the earlier one's. Outputs that are changed in
** place, or kept, are left alone: they must be numbers of their own.
*/
#include <string.h>

#include "graph/program.h"

typedef struct {
  mlp_program *p;
  int *last_change; /* (n_buffer) the last step that writes what another made, or MLP_NOWHERE */
  int *version;     /* (n_buffer) changes so far */
  int *stand_in;    /* (n_view) the view that is read instead */
  int **seen;       /* (n_step) versions of the inputs when the step ran */
} same;

static bool makes_own_numbers(const mlp_program *p, const mlp_step *s) {
  for (int i = 0; i < s->call.n_out; i++) {
    if (mlp_buffer_of(p, s->out[i])->kept) return true;
  }
  return false;
}

static void find_changes(same *w) {
  const mlp_program *p = w->p;
  for (int b = 0; b < p->n_buffer; b++) w->last_change[b] = MLP_NOWHERE;
  for (int k = 0; k < p->n_step; k++) {
    const mlp_step *s = &p->step[k];
    for (int i = 0; i < s->call.n_in; i++) {
      bool changed = s->in[i] != MLP_NOWHERE && mlp_call_writes(&s->call, i);
      if (changed) w->last_change[p->view[s->in[i]].buffer] = k;
    }
  }
}

/* Is any output's buffer written by a later step? */
static bool changed_later(const same *w, int k) {
  const mlp_step *s = &w->p->step[k];
  for (int i = 0; i < s->call.n_out; i++) {
    if (w->last_change[w->p->view[s->out[i]].buffer] > k) return true;
  }
  return false;
}

static bool same_step(const same *w, int a, int b) {
  const mlp_step *s = &w->p->step[a], *t = &w->p->step[b];
  if (s->call.row != t->call.row || s->call.n_in != t->call.n_in ||
      s->call.n_out != t->call.n_out || !mlp_step_same_values(s, t))
    return false;
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != t->in[i] || w->seen[a][i] != w->seen[b][i]) return false;
  }
  return true;
}

/* The earlier step that makes the same, or MLP_NOWHERE. Only the nearest ones are compared: what a
** derivative computes again lies close by. */
static int twin_of(const same *w, const bool *gone, int k) {
  enum { NEAR = 400 };
  const mlp_step *s = &w->p->step[k];
  if (!mlp_step_is_pure(s) || s->call.n_out == 0 || makes_own_numbers(w->p, s)) return MLP_NOWHERE;
  for (int i = k - 1; i >= 0 && i > k - NEAR; i--) {
    bool candidate = !gone[i] && mlp_step_is_pure(&w->p->step[i]) && same_step(w, i, k);
    if (candidate && !changed_later(w, k) && !changed_later(w, i)) return i;
  }
  return MLP_NOWHERE;
}

static mlp_status note_versions(same *w, int k, mlp_error *e) {
  const mlp_step *s = &w->p->step[k];
  w->seen[k] = mlp_bag_take(&w->p->bag, ((size_t)s->call.n_in + 1) * sizeof **w->seen);
  if (!w->seen[k]) return mlp_no_memory(e, (size_t)s->call.n_in * sizeof **w->seen);
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != MLP_NOWHERE) w->seen[k][i] = w->version[w->p->view[s->in[i]].buffer];
  }
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != MLP_NOWHERE && mlp_call_writes(&s->call, i))
      w->version[w->p->view[s->in[i]].buffer]++;
  }
  return MLP_OK;
}

/* What the step that goes made anew is what its twin made, also where others look at it. */
static void merge_outputs(mlp_program *p, const mlp_step *from, const mlp_step *to) {
  for (int i = 0; i < from->call.n_out; i++)
    mlp_merge_buffers(p, p->view[from->out[i]].buffer, p->view[to->out[i]].buffer);
}

mlp_status mlp_pass_same(mlp_program *p, mlp_error *e) {
  same w = {.p = p};
  bool *gone = mlp_bag_take(&p->bag, (size_t)p->n_step + 1);
  w.last_change = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *w.last_change);
  w.version = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *w.version);
  w.stand_in = mlp_stand_ins(p);
  w.seen = mlp_bag_take(&p->bag, ((size_t)p->n_step + 1) * sizeof *w.seen);
  if (!gone || !w.last_change || !w.version || !w.stand_in || !w.seen)
    return mlp_no_memory(e, (size_t)p->n_step * sizeof *w.seen);
  find_changes(&w);
  for (int k = 0; k < p->n_step; k++) {
    mlp_step *s = &p->step[k];
    mlp_step_redirect(s, w.stand_in);
    MLP_TRY(note_versions(&w, k, e));
    int twin = twin_of(&w, gone, k);
    if (twin == MLP_NOWHERE) continue;
    gone[k] = true;
    merge_outputs(p, s, &p->step[twin]);
    for (int i = 0; i < s->call.n_out; i++) w.stand_in[s->out[i]] = p->step[twin].out[i];
  }
  mlp_program_without(p, gone);
  return MLP_OK;
}
