/*
** Writing a derivative in operations. A vjp receives one gradient per output and gives one per
** input, and speaks in whole operations:
**
**   static void mul_vjp(mlp_vjp *v) {
**     mlp_give_grad(v, 0, mlp_sum_like(v, mlp_mul(v, mlp_grad_out(v, 0), mlp_input(v, 1)), 0));
**     mlp_give_grad(v, 1, mlp_sum_like(v, mlp_mul(v, mlp_grad_out(v, 0), mlp_input(v, 0)), 1));
**   }
**
** Every tensor a builder returns is lent: the vjp context owns it. Errors stick: after the first
** one every builder returns NULL and does nothing, so no line needs a test. A builder given NULL
** returns NULL, so an absent gradient flows through as an absent gradient. Builders that only serve
** an input nobody wants a gradient of may be skipped by asking mlp_wanted.
*/
#ifndef MLP_OP_BUILD_H
#define MLP_OP_BUILD_H

#include "op/op.h"

struct mlp_vjp {
  const mlp_call *call;        /* what was called: row, in (values or stand-ins), value, spec */
  mlp_tensor *const *grad_out; /* per output, NULL where no gradient arrived */
  mlp_tensor **grad_in;        /* per input: a counted reference, NULL at first */
  const bool *wanted;          /* per input */
  mlp_tensor **lent;           /* temporaries, dropped when the vjp is done */
  int n_lent, lent_capacity;
  mlp_status status;
  mlp_error *error;
  mlp_status (*apply)(mlp_call *c, mlp_error *e); /* the driver */
  mlp_tensor *(*output)(mlp_vjp *v, int i);       /* an output as a value with its history */
};

static inline bool mlp_wanted(const mlp_vjp *v, int i) { return v->wanted[i]; }
static inline mlp_tensor *mlp_input(const mlp_vjp *v, int i) { return v->call->in[i]; }
static inline mlp_tensor *mlp_grad_out(const mlp_vjp *v, int i) { return v->grad_out[i]; }
static inline const mlp_value *mlp_value_of(const mlp_vjp *v, int k) { return &v->call->value[k]; }

/* Output i (public or hidden), saved because the row's save_out says so or because it is hidden. */
mlp_tensor *mlp_output(mlp_vjp *v, int i);

/* Hands `grad` over as the gradient of input i; ignored when NULL or not wanted. Two contributions
** add. */
void mlp_give_grad(mlp_vjp *v, int i, mlp_tensor *grad);

/* Runs any row; returns out[0]. in may hold NULL where the row allows; a NULL in in[0] gives NULL.
** mlp_emit_all leaves every public output in out (lent). */
mlp_tensor *mlp_emit(mlp_vjp *v, const mlp_row *row, int n_in, mlp_tensor *const *in, int n_values,
                     const mlp_value *values);
bool mlp_emit_all(mlp_vjp *v, const mlp_row *row, int n_in, mlp_tensor *const *in, int n_values,
                  const mlp_value *values, mlp_tensor **out);

/* Shorthands. */
#define MLP_IN(...)                                                                       \
  (int)(sizeof((mlp_tensor *[]){__VA_ARGS__}) / sizeof(mlp_tensor *)), (mlp_tensor *[]) { \
    __VA_ARGS__                                                                           \
  }
#define MLP_NO_VALUES 0, NULL
#define MLP_VALUES(...) \
  (int)(sizeof((mlp_value[]){__VA_ARGS__}) / sizeof(mlp_value)), (mlp_value[]) { __VA_ARGS__ }

mlp_tensor *mlp_scalar(mlp_vjp *v, const mlp_tensor *like, double number); /* () of like's dtype */
mlp_tensor *mlp_full_like(mlp_vjp *v, const mlp_tensor *like, double number);
mlp_tensor *mlp_add(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b); /* NULL + b = b */
mlp_tensor *mlp_sub(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b);
mlp_tensor *mlp_mul(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b);
mlp_tensor *mlp_div(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b);
mlp_tensor *mlp_neg(mlp_vjp *v, mlp_tensor *a);
mlp_tensor *mlp_scale(mlp_vjp *v, mlp_tensor *a, double factor);
mlp_tensor *mlp_matmul(mlp_vjp *v, mlp_tensor *a, mlp_tensor *b);
mlp_tensor *mlp_swap(mlp_vjp *v, mlp_tensor *a); /* the last two axes exchanged, a view */
mlp_tensor *mlp_sum(mlp_vjp *v, mlp_tensor *a, int axis, bool keepdim);
mlp_tensor *mlp_sum_to(mlp_vjp *v, mlp_tensor *a, const mlp_shape *shape); /* undo broadcasting */
mlp_tensor *mlp_sum_like(mlp_vjp *v, mlp_tensor *a, int i); /* sum_to the shape of input i */
mlp_tensor *mlp_reshape(mlp_vjp *v, mlp_tensor *a, const mlp_shape *shape);
mlp_tensor *mlp_expand(mlp_vjp *v, mlp_tensor *a, const mlp_shape *shape);
mlp_tensor *mlp_with_axis(mlp_vjp *v, mlp_tensor *a,
                          int from_end); /* of length 1, before so many */

#endif
