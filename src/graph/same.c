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
  int *version;   /* (n_buffer) changes so far */
  int *stand_for; /* (n_view) the view that is read instead */
  int **seen;     /* (n_step) versions of the inputs when the step ran */
} same;

static bool makes_own_numbers(const mlp_program *p, const mlp_step *s) {
  for (int i = 0; i < s->call.n_out; i++) {
    if (mlp_buffer_of(p, s->out[i])->kept) return true;
  }
  return false;
}

/* Is any output's buffer written by another step than s? */
static bool changed_later(const mlp_program *p, int k) {
  const mlp_step *s = &p->step[k];
  for (int later = k + 1; later < p->n_step; later++) {
    const mlp_step *t = &p->step[later];
    for (int i = 0; i < t->call.n_in; i++) {
      if (t->in[i] == MLP_NOWHERE || !mlp_step_writes(t, i)) continue;
      for (int o = 0; o < s->call.n_out; o++) {
        if (p->view[t->in[i]].buffer == p->view[s->out[o]].buffer) return true;
      }
    }
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
    if (candidate && !changed_later(w->p, k) && !changed_later(w->p, i)) return i;
  }
  return MLP_NOWHERE;
}

/* Reads of views that went become reads of what stands for them. */
static void redirect(const same *w, mlp_step *s) {
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != MLP_NOWHERE) s->in[i] = w->stand_for[s->in[i]];
  }
}

static mlp_status note_versions(same *w, int k, mlp_error *e) {
  const mlp_step *s = &w->p->step[k];
  w->seen[k] = mlp_bag_take(&w->p->bag, ((size_t)s->call.n_in + 1) * sizeof **w->seen);
  if (!w->seen[k]) return mlp_no_memory(e, (size_t)s->call.n_in * sizeof **w->seen);
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != MLP_NOWHERE) w->seen[k][i] = w->version[w->p->view[s->in[i]].buffer];
  }
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != MLP_NOWHERE && mlp_step_writes(s, i)) w->version[w->p->view[s->in[i]].buffer]++;
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
  w.version = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *w.version);
  w.stand_for = mlp_bag_take(&p->bag, ((size_t)p->n_view + 1) * sizeof *w.stand_for);
  w.seen = mlp_bag_take(&p->bag, ((size_t)p->n_step + 1) * sizeof *w.seen);
  if (!gone || !w.version || !w.stand_for || !w.seen)
    return mlp_no_memory(e, (size_t)p->n_step * sizeof *w.seen);
  for (int v = 0; v < p->n_view; v++) w.stand_for[v] = v;
  for (int k = 0; k < p->n_step; k++) {
    mlp_step *s = &p->step[k];
    redirect(&w, s);
    MLP_TRY(note_versions(&w, k, e));
    int twin = twin_of(&w, gone, k);
    if (twin == MLP_NOWHERE) continue;
    gone[k] = true;
    merge_outputs(p, s, &p->step[twin]);
    for (int i = 0; i < s->call.n_out; i++) w.stand_for[s->out[i]] = p->step[twin].out[i];
  }
  mlp_program_without(p, gone);
  return MLP_OK;
}
