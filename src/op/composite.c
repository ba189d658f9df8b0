/*
** composite: what a ray sees through a medium that glows and absorbs, in samples 1 .. S along it
** (Mildenhall et al. 2020, eq. 3; Max 1995). With a_i = density_i delta_i:
**
**   T_i = e^-(a_1 + ... + a_{i-1})   what reaches sample i
**   w_i = T_i (1 - e^-a_i)           its weight; the weights sum to the opacity
**
** The three small rows below it are the derivative of w, its adjoint and theirs; the gradient of
** composite is written in them and in products. A derivative of the third order has no row.
*/
#include "kernel/kernel.h"
#include "op/build.h"
#include "op/position.h"

extern const mlp_row mlp_row_composite, mlp_row_composite_back, mlp_row_composite_along;
extern const mlp_row mlp_row_composite_curve, mlp_row_mul;

enum { DENSITY, COLOUR, DISTANCE, DELTA, BACKGROUND };
enum { SEEN, OPACITY, DEPTH, WEIGHTS };

/* ---- shapes ---------------------------------------------------------------------------------- */

static mlp_status want_shape(const mlp_call *c, int i, const mlp_shape *wanted, mlp_error *e) {
  char is[MLP_SHAPE_TEXT], want[MLP_SHAPE_TEXT], density[MLP_SHAPE_TEXT];
  if (mlp_shape_equal(&c->in[i]->shape, wanted)) return MLP_OK;
  return mlp_refuse(e, "composite: %s is %s but density %s wants %s", mlp_in_name(c, i),
                    mlp_shape_text(is, &c->in[i]->shape),
                    mlp_shape_text(density, &c->in[DENSITY]->shape), mlp_shape_text(want, wanted));
}

/* (...) of density (..., S), and (..., C). */
static mlp_shape rays_of(const mlp_call *c) {
  mlp_shape s = c->in[DENSITY]->shape;
  s.ndim--;
  return s;
}

static mlp_shape seen_of(const mlp_call *c) {
  mlp_shape s = rays_of(c);
  const mlp_shape *colour = &c->in[COLOUR]->shape;
  s.dim[s.ndim++] = colour->dim[colour->ndim - 1];
  return s;
}

static mlp_status want_inputs(const mlp_call *c, mlp_error *e) {
  MLP_TRY(mlp_want_float(c, DENSITY, e));
  for (int i = COLOUR; i <= BACKGROUND; i++) MLP_TRY(mlp_want_same_dtype(c, DENSITY, i, e));
  MLP_TRY(mlp_want_ndim(c, DENSITY, 1, MLP_MAX_DIMS - 1, e));
  MLP_TRY(mlp_want_ndim(c, COLOUR, 2, MLP_MAX_DIMS, e));
  mlp_shape colour = c->in[DENSITY]->shape, seen = seen_of(c);
  if (colour.dim[colour.ndim - 1] == 0)
    return mlp_refuse(e, "composite: a ray has no samples, but at least 1 is wanted");
  colour.dim[colour.ndim++] = seen.dim[seen.ndim - 1];
  MLP_TRY(want_shape(c, COLOUR, &colour, e));
  MLP_TRY(want_shape(c, DISTANCE, &c->in[DENSITY]->shape, e));
  MLP_TRY(want_shape(c, DELTA, &c->in[DENSITY]->shape, e));
  if (!c->in[BACKGROUND]) return MLP_OK;
  mlp_shape one = {1, {seen.dim[seen.ndim - 1]}};
  return want_shape(c, BACKGROUND, c->in[BACKGROUND]->shape.ndim == 1 ? &one : &seen, e);
}

static mlp_status composite_infer(mlp_call *c, mlp_error *e) {
  MLP_TRY(want_inputs(c, e));
  mlp_shape rays = rays_of(c), seen = seen_of(c);
  MLP_TRY(mlp_out(c, c->in[DENSITY]->dtype, &seen, e));
  MLP_TRY(mlp_out(c, c->in[DENSITY]->dtype, &rays, e));
  MLP_TRY(mlp_out(c, c->in[DENSITY]->dtype, &rays, e));
  return mlp_out_like(c, c->in[DENSITY], e);
}

/* A medium that is brighter behind than in front is a mistake: a network without relu or softplus,
** samples out of order. */
static mlp_status composite_check(const mlp_call *c, mlp_error *e) {
  char text[MLP_POSITION_TEXT];
  int64_t n = mlp_tensor_count(c->in[DENSITY]);
  for (int i = DENSITY; i <= DELTA; i += DELTA - DENSITY) {
    int64_t k = mlp_kernel()->ray.first_negative[c->in[i]->dtype](mlp_in(c, i), n);
    if (k >= 0)
      return mlp_refuse(e, "composite: %s is below 0, but densities and lengths from 0 are wanted",
                        mlp_position_text(text, c, i, k));
  }
  return MLP_OK;
}

/* ---- running --------------------------------------------------------------------------------- */

static void composite_run(mlp_call *c) {
  const mlp_shape *density = &c->spec[WEIGHTS].shape, *seen = &c->spec[SEEN].shape;
  int64_t rays = mlp_shape_count(&c->spec[OPACITY].shape), n = density->dim[density->ndim - 1];
  int64_t channels = seen->dim[seen->ndim - 1];
  mlp_dtype dtype = c->spec[WEIGHTS].dtype;
  const mlp_ray_kernels *k = &mlp_kernel()->ray;
  void *w = mlp_result(c, WEIGHTS);
  k->weights[dtype](w, mlp_in(c, DENSITY), mlp_in(c, DELTA), rays, n);
  k->total[dtype](mlp_result(c, OPACITY), w, rays, n);
  k->mean[dtype](mlp_result(c, SEEN), w, mlp_in(c, COLOUR), rays, n, channels);
  k->mean[dtype](mlp_result(c, DEPTH), w, mlp_in(c, DISTANCE), rays, n, 1);
  if (c->in[BACKGROUND])
    k->behind[dtype](mlp_result(c, SEEN), mlp_result(c, OPACITY), mlp_in(c, BACKGROUND),
                     c->in[BACKGROUND]->shape.ndim == 1 ? 0 : channels, rays, channels);
}

/* ---- the derivative -------------------------------------------------------------------------- */

/* What the loss says to each weight: g_w + colour . g_seen + g_opacity + distance g_depth, where
** the background counts as a colour taken away. */
static mlp_tensor *gradient_of_weights(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, SEEN), *opacity = mlp_grad_out(v, OPACITY);
  mlp_tensor *q = mlp_grad_out(v, WEIGHTS), *background = mlp_input(v, BACKGROUND);
  mlp_tensor *glow = mlp_mul(v, mlp_input(v, COLOUR), mlp_with_axis(v, g, 1));
  q = mlp_add(v, q, g ? mlp_sum(v, glow, -1, false) : NULL);
  if (g && background)
    opacity = mlp_add(v, opacity, mlp_neg(v, mlp_sum(v, mlp_mul(v, g, background), -1, false)));
  mlp_tensor *depth = mlp_with_axis(v, mlp_grad_out(v, DEPTH), 0);
  q = mlp_add(v, q, depth ? mlp_mul(v, mlp_input(v, DISTANCE), depth) : NULL);
  opacity = mlp_with_axis(v, opacity, 0);
  if (q || !opacity) return mlp_add(v, q, opacity);
  return mlp_expand(v, opacity, &mlp_input(v, DENSITY)->shape);
}

static void give_densities(mlp_vjp *v) {
  mlp_tensor *q = gradient_of_weights(v), *density = mlp_input(v, DENSITY);
  mlp_tensor *delta = mlp_input(v, DELTA);
  if (!q) return;
  if (!mlp_shape_equal(&q->shape, &density->shape)) q = mlp_expand(v, q, &density->shape);
  mlp_tensor *a = mlp_mul(v, density, delta);
  mlp_tensor *da = mlp_emit(v, &mlp_row_composite_back, MLP_IN(q, a), MLP_NO_VALUES);
  if (mlp_wanted(v, DENSITY)) mlp_give_grad(v, DENSITY, mlp_mul(v, da, delta));
  if (mlp_wanted(v, DELTA)) mlp_give_grad(v, DELTA, mlp_mul(v, da, density));
}

static void composite_vjp(mlp_vjp *v) {
  mlp_tensor *g = mlp_grad_out(v, SEEN), *depth = mlp_with_axis(v, mlp_grad_out(v, DEPTH), 0);
  if (mlp_wanted(v, DENSITY) || mlp_wanted(v, DELTA)) give_densities(v);
  if (g && mlp_wanted(v, COLOUR))
    mlp_give_grad(v, COLOUR,
                  mlp_mul(v, mlp_with_axis(v, mlp_output(v, WEIGHTS), 0), mlp_with_axis(v, g, 1)));
  if (depth && mlp_wanted(v, DISTANCE))
    mlp_give_grad(v, DISTANCE, mlp_mul(v, mlp_output(v, WEIGHTS), depth));
  if (g && mlp_wanted(v, BACKGROUND)) {
    mlp_tensor *opaque = mlp_with_axis(v, mlp_sum(v, mlp_output(v, WEIGHTS), -1, false), 0);
    mlp_tensor *through = mlp_sub(v, g, mlp_mul(v, g, opaque));
    mlp_give_grad(v, BACKGROUND, mlp_sum_like(v, through, BACKGROUND));
  }
}

/* ---- tiling ---------------------------------------------------------------------------------- */

/* Rays stay apart: the inputs are cut alike, before the axis of the samples. */
static bool rays_alike(const mlp_call *c, const mlp_tile *in, int n) {
  for (int i = 0; i < n; i++) {
    if (in[i].axis >= c->in[0]->shape.ndim - 1 || !mlp_rows_alike(&in[i], &in[0])) return false;
  }
  return true;
}

static void composite_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  const mlp_tensor *background = c->in[BACKGROUND];
  bool alike = rays_alike(c, in, DELTA + 1);
  if (background && background->shape.ndim == 1)
    alike = alike && in[BACKGROUND].spread == MLP_SHARED;
  else if (background)
    alike = alike && mlp_rows_alike(&in[BACKGROUND], &in[0]);
  if (!alike) {
    mlp_tiling_whole(c, in, out);
    return;
  }
  for (int i = 0; i < c->n_out; i++) out[i] = in[0];
}

const mlp_row mlp_row_composite = {
    .name = "composite",
    .doc =
        "Volume rendering along rays (Mildenhall et al. 2020, eq. 3): colour (..., C), opacity "
        "(...), depth (...) and weights (..., S) of S samples.\n"
        "Sample i has the weight T_i (1 - e^-(density_i delta_i)), where T_i = e^-(sum over j < i "
        "of "
        "density_j delta_j) reaches it; the weights sum to the opacity. Depth is the sum of "
        "weight times t, the colour that of weight times colour, and (1 - opacity) background.",
    .arg = {{MLP_ARG_TENSOR, "density", "(..., S), from 0, per unit of length", NULL, NULL, false},
            {MLP_ARG_TENSOR, "colour", "(..., S, C)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "t", "(..., S) distances of the samples along the ray", NULL, NULL,
             false},
            {MLP_ARG_TENSOR, "delta", "(..., S) lengths that the samples stand for, from 0", NULL,
             NULL, false},
            {MLP_ARG_MAYBE, "background", "(C) or (..., C)", "nil", NULL, false}},
    .flags = MLP_NOT_A_METHOD,
    .n_out = 4,
    .save_in = 31,
    .save_out = 1 << WEIGHTS,
    .infer = composite_infer,
    .check = composite_check,
    .run = composite_run,
    .vjp = composite_vjp,
    .tiling = composite_tiling,
};

/* ---- weights, differentiated ----------------------------------------------------------------- */

static mlp_status alike_infer(mlp_call *c, mlp_error *e) {
  const mlp_shape *s = &c->in[0]->shape;
  c->work_bytes = (size_t)s->dim[s->ndim - 1] * mlp_dtype_bytes(c->in[0]->dtype);
  return mlp_out_like(c, c->in[0], e);
}

static void alike_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  if (rays_alike(c, in, c->n_in))
    out[0] = in[0];
  else
    mlp_tiling_whole(c, in, out);
}

static int64_t samples_in(const mlp_call *c) {
  const mlp_shape *s = &c->in[0]->shape;
  return s->dim[s->ndim - 1];
}

static int64_t rays_in(const mlp_call *c) { return mlp_tensor_count(c->in[0]) / samples_in(c); }

static void back_run(mlp_call *c) {
  mlp_kernel()->ray.back[c->in[0]->dtype](mlp_result(c, 0), mlp_in(c, 0), mlp_in(c, 1), c->work,
                                          rays_in(c), samples_in(c));
}

static void along_run(mlp_call *c) {
  mlp_kernel()->ray.along[c->in[0]->dtype](mlp_result(c, 0), mlp_in(c, 0), mlp_in(c, 1), rays_in(c),
                                           samples_in(c));
}

static void curve_run(mlp_call *c) {
  mlp_kernel()->ray.curve[c->in[0]->dtype](mlp_result(c, 0), mlp_in(c, 0), mlp_in(c, 1),
                                           mlp_in(c, 2), c->work, rays_in(c), samples_in(c));
}

/* back and along are adjoint: sum u back(q, a) = sum q along(u, a). */
static void give_both(mlp_vjp *v, const mlp_row *adjoint, bool back) {
  mlp_tensor *g = mlp_grad_out(v, 0), *x = mlp_input(v, 0), *a = mlp_input(v, 1);
  if (!g) return;
  if (mlp_wanted(v, 0)) mlp_give_grad(v, 0, mlp_emit(v, adjoint, MLP_IN(g, a), MLP_NO_VALUES));
  mlp_tensor *q = back ? x : g, *u = back ? g : x;
  if (mlp_wanted(v, 1))
    mlp_give_grad(v, 1, mlp_emit(v, &mlp_row_composite_curve, MLP_IN(q, u, a), MLP_NO_VALUES));
}

static void back_vjp(mlp_vjp *v) { give_both(v, &mlp_row_composite_along, true); }
static void along_vjp(mlp_vjp *v) { give_both(v, &mlp_row_composite_back, false); }

#define ARG_SAMPLES(name, text) \
  { MLP_ARG_TENSOR, name, text " (..., S)", NULL, NULL, false }

const mlp_row mlp_row_composite_back = {
    .name = "composite_back",
    .doc = "the gradient of sum q w with respect to the thickness",
    .arg = {ARG_SAMPLES("q", "gradient of the weights"), ARG_SAMPLES("a", "thickness")},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 3,
    .infer = alike_infer,
    .run = back_run,
    .vjp = back_vjp,
    .tiling = alike_tiling,
};

const mlp_row mlp_row_composite_along = {
    .name = "composite_along",
    .doc = "the weights differentiated along u",
    .arg = {ARG_SAMPLES("u", "direction"), ARG_SAMPLES("a", "thickness")},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .save_in = 3,
    .infer = alike_infer,
    .run = along_run,
    .vjp = along_vjp,
    .tiling = alike_tiling,
};

const mlp_row mlp_row_composite_curve = {
    .name = "composite_curve",
    .doc = "the gradient of sum q along(u, a) with respect to the thickness",
    .arg = {ARG_SAMPLES("q", "gradient of the weights"), ARG_SAMPLES("u", "direction"),
            ARG_SAMPLES("a", "thickness")},
    .flags = MLP_INTERNAL,
    .n_out = 1,
    .infer = alike_infer,
    .run = curve_run,
    .tiling = alike_tiling,
};
