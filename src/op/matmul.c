/*
** Matrix products. The last two axes are the matrix, the axes before them a batch that broadcasts.
*A
** vector on the left is one row, on the right one column, and that axis is then dropped from the
** result. Factors are read where they lie, also with their last two axes exchanged: nothing is
** copied for a transpose. A left factor whose batch axes lie in a row, against one right matrix, is
** one tall product.
*/
#include "op/build.h"
#include "op/factor.h"

/* How (batch, m, k) by (batch, k, n) is read from the two shapes. */
typedef struct {
  int64_t m, n, k;
  mlp_shape batch;
  bool row_vector, column_vector;
} product;

static mlp_status refuse_shapes(const mlp_tensor *a, const mlp_tensor *b, const product *p,
                                int64_t rows, mlp_error *e) {
  char left[MLP_SHAPE_TEXT], right[MLP_SHAPE_TEXT];
  return mlp_refuse(e, "matmul: %s by %s: %lld columns against %lld rows",
                    mlp_shape_text(left, &a->shape), mlp_shape_text(right, &b->shape),
                    (long long)p->k, (long long)rows);
}

static mlp_status read_shapes(product *p, const mlp_tensor *a, const mlp_tensor *b, mlp_error *e) {
  int na = a->shape.ndim, nb = b->shape.ndim;
  p->row_vector = na == 1, p->column_vector = nb == 1;
  p->m = na == 1 ? 1 : a->shape.dim[na - 2];
  p->k = a->shape.dim[na - 1];
  p->n = nb == 1 ? 1 : b->shape.dim[nb - 1];
  int64_t rows = b->shape.dim[nb == 1 ? 0 : nb - 2];
  if (rows != p->k) return refuse_shapes(a, b, p, rows, e);
  mlp_shape left = mlp_batch_of(a), right = mlp_batch_of(b);
  return mlp_shape_broadcast(&p->batch, &left, &right, "matmul", e);
}

/* The shape with the axes that a vector stands in for, and without them. */
static mlp_shape full_shape(const product *p) {
  mlp_shape s = p->batch;
  s.dim[s.ndim++] = p->m;
  s.dim[s.ndim++] = p->n;
  return s;
}

static mlp_shape result_shape(const product *p) {
  mlp_shape s = p->batch;
  if (!p->row_vector) s.dim[s.ndim++] = p->m;
  if (!p->column_vector) s.dim[s.ndim++] = p->n;
  return s;
}

static mlp_status matmul_infer(mlp_call *c, mlp_error *e) {
  product p;
  MLP_TRY(mlp_want_float(c, 0, e));
  MLP_TRY(mlp_want_same_dtype(c, 0, 1, e));
  MLP_TRY(mlp_want_ndim(c, 0, 1, MLP_MAX_DIMS, e));
  MLP_TRY(mlp_want_ndim(c, 1, 1, MLP_MAX_DIMS, e));
  MLP_TRY(read_shapes(&p, c->in[0], c->in[1], e));
  mlp_shape shape = result_shape(&p);
  c->save_in = (uint64_t)mlp_tensor_traced(c->in[1]) | (uint64_t)mlp_tensor_traced(c->in[0]) << 1;
  return mlp_out(c, c->in[0]->dtype, &shape, e);
}

/* ---- running -----------------------------------------------------------------------------------
 */

static void matmul_run(mlp_call *c) {
  const mlp_tensor *ta = c->in[0], *tb = c->in[1];
  product p;
  mlp_error none;
  read_shapes(&p, ta, tb, &none); /* infer has seen that it fits */
  mlp_factor a = mlp_factor_of(ta), b = mlp_factor_of(tb);
  if (p.column_vector) b.stride = 1;
  int64_t count = mlp_shape_count(&p.batch);
  if (tb->shape.ndim <= 2 && !a.swapped) {
    p.m *= count;
    count = 1;
  }
  char *y = mlp_result(c, 0);
  for (int64_t i = 0; i < count; i++) {
    mlp_factor left = mlp_factor_after(a, mlp_matrix_of(ta, &p.batch, i) * p.m * p.k, ta->dtype);
    mlp_factor right = mlp_factor_after(b, mlp_matrix_of(tb, &p.batch, i) * p.k * p.n, tb->dtype);
    mlp_multiply(ta->dtype, y, left, right, c->accumulate ? y : NULL, p.n, p.m, p.n, p.k);
    y += p.m * p.n * (int64_t)mlp_dtype_bytes(ta->dtype);
  }
}

/* ---- the derivative ----------------------------------------------------------------------------
 */

/* t with the axis that a vector stands in for: (k) as (1, k) on the left, as (k, 1) on the right.
 */
static mlp_tensor *as_matrix(mlp_vjp *v, mlp_tensor *t, bool left) {
  if (t->shape.ndim != 1) return t;
  int64_t k = t->shape.dim[0];
  mlp_shape s = {.ndim = 2, .dim = {left ? 1 : k, left ? k : 1}};
  return mlp_reshape(v, t, &s);
}

/* (batch, r, c) as (batch * r, c). */
static mlp_tensor *as_tall(mlp_vjp *v, mlp_tensor *t) {
  if (!t || t->shape.ndim <= 2) return t;
  int64_t columns = t->shape.dim[t->shape.ndim - 1], rows = 1;
  for (int i = 0; i < t->shape.ndim - 1; i++) rows *= t->shape.dim[i];
  mlp_shape s = {.ndim = 2, .dim = {rows, columns}};
  return mlp_reshape(v, t, &s);
}

/* A gradient with every axis of the product, given back in the shape of input i. */
static void give_matrix(mlp_vjp *v, int i, mlp_tensor *grad) {
  const mlp_shape *shape = &mlp_input(v, i)->shape;
  mlp_shape full = *shape;
  if (shape->ndim == 1) {
    int64_t k = shape->dim[0];
    full = (mlp_shape){.ndim = 2, .dim = {i == 0 ? 1 : k, i == 0 ? k : 1}};
  }
  grad = mlp_sum_to(v, grad, &full);
  mlp_give_grad(v, i, grad ? mlp_reshape(v, grad, shape) : NULL);
}

static void matmul_vjp(mlp_vjp *v) {
  product p;
  mlp_tensor *a = mlp_input(v, 0), *b = mlp_input(v, 1);
  if (!mlp_grad_out(v, 0) || read_shapes(&p, a, b, v->error) != MLP_OK) return;
  mlp_shape full = full_shape(&p);
  mlp_tensor *g = mlp_reshape(v, mlp_grad_out(v, 0), &full);
  if (mlp_wanted(v, 0)) /* dA = G B' */
    give_matrix(v, 0, mlp_matmul(v, g, mlp_swap(v, as_matrix(v, b, false))));
  if (!mlp_wanted(v, 1)) return;
  mlp_tensor *left = as_matrix(v, a, true);
  if (b->shape.ndim <= 2) left = as_tall(v, left), g = as_tall(v, g); /* the batch is summed here */
  give_matrix(v, 1, mlp_matmul(v, mlp_swap(v, left), g));             /* dB = A' G */
}

/* ---- tiling ------------------------------------------------------------------------------------
 */

/* What an axis of a factor is in the product. */
typedef enum { OF_BATCH, OF_RESULT, OF_SUM } role;

static role role_of(const mlp_tensor *t, int axis, bool left) {
  int from_end = t->shape.ndim - axis;
  if (t->shape.ndim == 1) return OF_SUM;
  if (from_end > 2) return OF_BATCH;
  return (from_end == 1) == left ? OF_SUM : OF_RESULT;
}

/* Where a batch axis or a kept axis of a factor stands in the result. */
static int axis_in_result(const mlp_call *c, const mlp_tensor *t, int axis, bool left) {
  int ndim = c->spec[0].shape.ndim, from_end = t->shape.ndim - axis;
  bool vector = c->in[left ? 1 : 0]->shape.ndim == 1;
  if (role_of(t, axis, left) == OF_RESULT) return left && !vector ? ndim - 2 : ndim - 1;
  return ndim - (vector ? from_end - 1 : from_end);
}

/* Does t, the same for every row, run along the batch axis that lies `from_end` from its end? */
static bool runs_along(const mlp_tensor *t, int from_end) {
  return t->shape.ndim >= from_end && t->shape.dim[t->shape.ndim - from_end] != 1;
}

static bool one_factor_of_rows(const mlp_call *c, const mlp_tile *in, int i, mlp_tile *out) {
  const mlp_tensor *t = c->in[i], *other = c->in[1 - i];
  role r = role_of(t, in[i].axis, i == 0);
  if (r == OF_SUM) return false;
  if (r == OF_BATCH && runs_along(other, t->shape.ndim - in[i].axis)) return false;
  *out = (mlp_tile){MLP_ROWS, axis_in_result(c, t, in[i].axis, i == 0), in[i].multiple};
  return true;
}

static bool two_factors_of_rows(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  const mlp_tensor *a = c->in[0], *b = c->in[1];
  role ra = role_of(a, in[0].axis, true), rb = role_of(b, in[1].axis, false);
  if (in[0].multiple != in[1].multiple || ra != rb || ra == OF_RESULT) return false;
  *out = (mlp_tile){.spread = MLP_REDUCED};
  if (ra == OF_SUM) return true;
  if (a->shape.ndim - in[0].axis != b->shape.ndim - in[1].axis) return false;
  *out = (mlp_tile){MLP_ROWS, axis_in_result(c, a, in[0].axis, true), in[0].multiple};
  return true;
}

static void matmul_tiling(const mlp_call *c, const mlp_tile *in, mlp_tile *out) {
  bool rows[2] = {in[0].spread == MLP_ROWS, in[1].spread == MLP_ROWS};
  bool shared[2] = {in[0].spread == MLP_SHARED, in[1].spread == MLP_SHARED};
  if (rows[0] && shared[1] && one_factor_of_rows(c, in, 0, out)) return;
  if (rows[1] && shared[0] && one_factor_of_rows(c, in, 1, out)) return;
  if (rows[0] && rows[1] && two_factors_of_rows(c, in, out)) return;
  mlp_tiling_whole(c, in, out);
}

extern const mlp_row mlp_row_matmul;
const mlp_row mlp_row_matmul = {
    .name = "matmul",
    .doc =
        "A B over the last two axes, (..., m, k) by (..., k, n); axes before them broadcast.\n"
        "A vector on the left is one row, on the right one column; two vectors give their dot "
        "product.",
    .arg = {{MLP_ARG_TENSOR, "a", "(..., m, k) or (k)", NULL, NULL, false},
            {MLP_ARG_TENSOR, "b", "(..., k, n) or (k)", NULL, NULL, false}},
    .flags = MLP_MATRICES | MLP_ADDS,
    .n_out = 1,
    .save_in = 3,
    .infer = matmul_infer,
    .run = matmul_run,
    .vjp = matmul_vjp,
    .tiling = matmul_tiling,
};
