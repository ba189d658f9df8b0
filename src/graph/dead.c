/*
** What nobody reads is not computed. Law: a step is alive when it changes something that outlives
** the replay, draws random numbers (the stream must move as it did), tests what it reads, or makes
** or changes a buffer that a later live step reads or that is kept. Walked from the end.
*/
#include "graph/program.h"

static bool writes_outside(const mlp_program *p, const mlp_step *s) {
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] == MLP_NOWHERE || !mlp_call_writes(&s->call, i)) continue;
    if (mlp_buffer_of(p, s->in[i])->origin != MLP_FROM_STEP) return true;
  }
  return false;
}

static bool touches_wanted(const mlp_program *p, const mlp_step *s, const bool *wanted) {
  for (int i = 0; i < s->call.n_out; i++) {
    if (wanted[p->view[s->out[i]].buffer]) return true;
  }
  for (int i = 0; i < s->call.n_in; i++) {
    bool changed = s->in[i] != MLP_NOWHERE && mlp_call_writes(&s->call, i);
    if (changed && wanted[p->view[s->in[i]].buffer]) return true;
  }
  return false;
}

/* Without memory for the pass everything lives: it only saves work. */
void mlp_pass_dead(mlp_program *p) {
  bool *wanted = mlp_bag_take(&p->bag, (size_t)p->n_buffer + 1);
  bool *gone = mlp_bag_take(&p->bag, (size_t)p->n_step + 1);
  if (!wanted || !gone) return;
  for (int b = 0; b < p->n_buffer; b++) wanted[b] = p->buffer[b].kept;
  for (int k = p->n_step - 1; k >= 0; k--) {
    const mlp_step *s = &p->step[k];
    bool random = s->call.row->flags & MLP_RANDOM;
    gone[k] =
        !random && !mlp_step_is_test(s) && !writes_outside(p, s) && !touches_wanted(p, s, wanted);
    for (int i = 0; i < s->call.n_in && !gone[k]; i++) {
      if (s->in[i] != MLP_NOWHERE) wanted[p->view[s->in[i]].buffer] = true;
    }
  }
  mlp_program_without(p, gone);
}
