/*
** A plan in words: a line for each step with its output's shape, buffer, home and bytes, how it is
** cut, and its multiplications and additions.
*/
#include <stdio.h>

#include "graph/layout.h"

static const char *const homes[] = {[MLP_IN_LANE] = "lane",
                                    [MLP_IN_SUM] = "sum",
                                    [MLP_IN_ARENA] = "arena",
                                    [MLP_IN_STORAGE] = "kept"};

static const char *home_of(const mlp_buffer *b) {
  if (b->origin == MLP_FROM_ARGUMENT) return "argument";
  if (b->origin == MLP_FROM_OUTSIDE) return "outside";
  return homes[b->home];
}

static const char *cut_of(char *text, size_t room, const mlp_step *s, const mlp_tile *t) {
  if (!s->tiled) return "once";
  if (t->spread != MLP_ROWS) return "summed";
  if (t->multiple == 1)
    snprintf(text, room, "rows, axis %d", t->axis + 1);
  else
    snprintf(text, room, "rows x %lld, axis %d", (long long)t->multiple, t->axis + 1);
  return text;
}

static void dump_step(const mlp_program *p, int k, void (*line)(void *, const char *),
                      void *context) {
  const mlp_step *s = &p->step[k];
  char text[512], shape[MLP_SHAPE_TEXT], cut[48];
  if (s->call.n_out == 0) {
    snprintf(text, sizeof text, "%4d  %-20s once", k + 1, s->call.row->name);
    line(context, text);
    return;
  }
  const mlp_view *v = &p->view[s->out[0]];
  const mlp_buffer *b = &p->buffer[v->buffer];
  double bytes = s->idle ? 0 : (double)b->count * (double)mlp_dtype_bytes(b->dtype);
  snprintf(text, sizeof text, "%4d  %-20s %-18s b%-4d %-8s %11.0f B  %-16s %12.0f%s", k + 1,
           s->call.row->name, mlp_shape_text(shape, &v->shape), v->buffer,
           s->idle ? "view" : home_of(b), bytes, cut_of(cut, sizeof cut, s, &v->tile),
           mlp_step_flops(p, s),
           s->call.accumulate           ? "  adds"
           : b->place_of != MLP_NOWHERE ? "  in place"
                                        : "");
  line(context, text);
}

static void dump_sweep(const mlp_plan *plan, int number, bool tiled,
                       void (*line)(void *, const char *), void *context) {
  const mlp_program *p = &plan->program;
  for (int k = 0; k < p->n_step; k++) {
    if (p->step[k].sweep == number && p->step[k].tiled == tiled) dump_step(p, k, line, context);
  }
}

void mlp_plan_dump(const mlp_plan *plan, void (*line)(void *context, const char *text),
                   void *context) {
  const mlp_program *p = &plan->program;
  char text[256];
  snprintf(text, sizeof text, "%d steps, %d sweeps; arena %zu bytes, kept %d buffers", p->n_step,
           p->sweeps, plan->arena_bytes, plan->n_keeper);
  line(context, text);
  if (plan->untiled[0]) {
    snprintf(text, sizeof text, "not cut along the batch: %.200s", plan->untiled);
    line(context, text);
  }
  line(context,
       "step  operation            shape              buffer              bytes  cut      "
       "              flops");
  for (int i = 0; i < p->sweeps; i++) {
    dump_sweep(plan, i, false, line, context);
    if (plan->sweep[i].n_tiled == 0) continue;
    snprintf(text, sizeof text,
             "      sweep %d over %lld rows: %lld tiles of %lld, %d lane%s of %zu bytes", i + 1,
             (long long)p->batch, (long long)plan->n_tile, (long long)plan->height, plan->n_lane,
             plan->n_lane == 1 ? "" : "s", plan->lane_bytes);
    line(context, text);
    dump_sweep(plan, i, true, line, context);
  }
}
