/*
** A sum with a product is added to by the product. Law: where t, made by a row that can add to its
** output (MLP_ADDS), is read by one addition alone, z + t or z += t, and nobody touches z from the
** making of t to the end of the addition, t's step adds to z instead and the addition goes. A sum
** that is not in place must be the last to read z; who reads the sum then reads z.
*/
#include "graph/program.h"

extern const mlp_row mlp_row_add;

/* The step that makes the buffer of this view, if it is the view's whole; or MLP_NOWHERE. */
static int maker_of(const mlp_program *p, int view) {
  for (int k = 0; k < p->n_step; k++) {
    for (int i = 0; i < p->step[k].call.n_out; i++) {
      bool fresh = p->step[k].call.spec[i].view_of < 0 && !(i == 0 && p->step[k].call.in_place);
      if (fresh && p->view[p->step[k].out[i]].buffer == p->view[view].buffer) return k;
    }
  }
  return MLP_NOWHERE;
}

static bool touches(const mlp_program *p, const mlp_step *s, int buffer) {
  for (int i = 0; i < s->call.n_in; i++) {
    if (s->in[i] != MLP_NOWHERE && p->view[s->in[i]].buffer == buffer) return true;
  }
  for (int i = 0; i < s->call.n_out; i++) {
    if (p->view[s->out[i]].buffer == buffer) return true;
  }
  return false;
}

/* Does any step from..to - 1 touch the buffer? */
static bool touched(const mlp_program *p, int buffer, int from, int to) {
  for (int k = from; k < to; k++) {
    if (touches(p, &p->step[k], buffer)) return true;
  }
  return false;
}

static bool same_shape(const mlp_program *p, int a, int b) {
  return p->view[a].dtype == p->view[b].dtype &&
         mlp_shape_equal(&p->view[a].shape, &p->view[b].shape);
}

/* Can the product at step k add to view z, for the sake of the addition at step `sum`? */
static bool may_add(const mlp_program *p, int k, int t, int z, int sum) {
  const mlp_step *product = &p->step[k], *add = &p->step[sum];
  int zb = p->view[z].buffer, tb = p->view[t].buffer;
  bool in_place = add->call.in_place;
  if (!(product->call.row->flags & MLP_ADDS) || product->call.n_out != 1 ||
      product->call.accumulate || product->out[0] != t || zb == tb)
    return false;
  if (!mlp_view_is_whole(p, z) || !mlp_view_is_whole(p, t) || !same_shape(p, z, t)) return false;
  if (p->buffer[tb].kept || touched(p, tb, k + 1, sum) || touched(p, tb, sum + 1, p->n_step))
    return false;
  if (touches(p, product, zb) || touched(p, zb, k + 1, sum)) return false;
  if (p->buffer[zb].origin != MLP_FROM_STEP) return false;
  int made = maker_of(p, z);
  if (made == MLP_NOWHERE || made > k) return false;
  return in_place || (!p->buffer[zb].kept && !touched(p, zb, sum + 1, p->n_step));
}

static bool join(mlp_program *p, int sum) {
  mlp_step *add = &p->step[sum];
  for (int i = 0; i < 2; i++) {
    int t = add->in[i], z = add->in[1 - i];
    if (add->call.in_place && i == 0) continue; /* z is what is added to */
    int k = maker_of(p, t);
    if (k == MLP_NOWHERE || k >= sum || !may_add(p, k, t, z, sum)) continue;
    p->step[k].call.accumulate = true;
    p->step[k].out[0] = z;
    if (!add->call.in_place) mlp_merge_buffers(p, p->view[add->out[0]].buffer, p->view[z].buffer);
    return true;
  }
  return false;
}

void mlp_pass_accumulate(mlp_program *p) {
  bool *gone = mlp_bag_take(&p->bag, (size_t)p->n_step + 1);
  if (!gone) return; /* it only saves work */
  for (int k = 0; k < p->n_step; k++) {
    if (p->step[k].call.row == &mlp_row_add) gone[k] = join(p, k);
  }
  mlp_program_without(p, gone);
}
