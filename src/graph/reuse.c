/*
** A result takes the place of the operand of its number that nobody reads again. Law: the row may
** run in place, the operand is whole, of the result's dtype and count, made by a step in the same
** home, not kept, and this step is the last to touch its buffer.
*/
#include "graph/program.h"

static void touch(const mlp_program *p, int *last, int view, int k) {
  if (view == MLP_NOWHERE) return;
  int *b = &last[p->view[view].buffer];
  if (*b == MLP_NOWHERE || mlp_moment_of(p, k, true) >= mlp_moment_of(p, *b, true)) *b = k;
}

/* The step that is the last to touch each buffer when the plan runs, which need not be the last
** that was recorded: single steps run before tiled ones. Idle steps touch nothing. */
static int *last_touches(mlp_program *p) {
  int *last = mlp_bag_take(&p->bag, ((size_t)p->n_buffer + 1) * sizeof *last);
  for (int b = 0; last && b < p->n_buffer; b++) last[b] = MLP_NOWHERE;
  for (int k = 0; last && k < p->n_step; k++) {
    const mlp_step *s = &p->step[k];
    for (int i = 0; i < mlp_step_views(s) && !s->idle; i++) touch(p, last, mlp_step_view(s, i), k);
  }
  return last;
}

static bool may_take_place(const mlp_program *p, const mlp_step *s, int k, int o, const int *last) {
  if (s->call.in_place || s->idle || o >= s->call.n_in || s->in[o] == MLP_NOWHERE) return false;
  if (!(s->call.row->flags & MLP_IN_PLACE)) return false;
  int from = p->view[s->in[o]].buffer, to = p->view[s->out[o]].buffer;
  const mlp_buffer *a = &p->buffer[from], *b = &p->buffer[to];
  bool alike = a->dtype == b->dtype && a->count == b->count && a->home == b->home &&
               p->view[s->in[o]].tile.spread == p->view[s->out[o]].tile.spread;
  bool free = a->origin == MLP_FROM_STEP && !a->kept && last[from] == k && a->home != MLP_IN_SUM;
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != MLP_NOWHERE && s->in[i] != s->in[o] && p->view[s->in[i]].buffer == from)
      return false;
  }
  for (int i = 0; i < o; i++) { /* one operand may stand twice */
    if (p->buffer[p->view[s->out[i]].buffer].place_of == from) return false;
  }
  return from != to && alike && free && mlp_view_is_whole(p, s->in[o]) &&
         mlp_view_is_whole(p, s->out[o]) && !b->kept;
}

/* Without memory for the pass nothing is reused: it only saves some. */
void mlp_pass_reuse(mlp_program *p) {
  const int *last = last_touches(p);
  for (int k = 0; last && k < p->n_step; k++) {
    const mlp_step *s = &p->step[k];
    for (int o = 0; o < s->call.n_out; o++) {
      if (may_take_place(p, s, k, o, last))
        p->buffer[p->view[s->out[o]].buffer].place_of = p->view[s->in[o]].buffer;
    }
  }
}
