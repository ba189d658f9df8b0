/*
** What is known about each function of one number (kernel/unary.def) besides its loops: whoever
** takes an activation by name finds it here, with its parameters.
*/
#ifndef MLP_OP_UNARY_H
#define MLP_OP_UNARY_H

#include "kernel/unary.h"
#include "op/op.h"

typedef enum { MLP_OF_INPUT, MLP_OF_OUTPUT, MLP_CONSTANT } mlp_unary_state;
typedef enum { MLP_ANY, MLP_NOT_NEGATIVE, MLP_POSITIVE } mlp_bound;

enum { MLP_UNARY_PARAMETERS = 2 };

typedef struct {
  const char *name;
  const char *fallback; /* the default as a Lua literal */
  double number;        /* the same as a number */
  mlp_bound bound;
  const char *doc;
} mlp_unary_parameter;

typedef struct {
  mlp_unary_id id;
  const char *name, *formula;
  bool activation;
  mlp_unary_state state; /* what the derivatives are written in */
  int n_parameters;
  mlp_unary_parameter parameter[MLP_UNARY_PARAMETERS];
} mlp_unary;

/* By id, MLP_UNARY_COUNT long. */
extern const mlp_unary mlp_unaries[];

/* NULL when there is no function of that name. */
const mlp_unary *mlp_unary_find(const char *name);

/* The activations by name, NULL-terminated: the `choices` of an argument. */
extern const char *const mlp_activations[];

/* The activation at a place in mlp_activations. */
const mlp_unary *mlp_activation(int64_t choice);

/* The functions as rows, by id. */
extern const mlp_row *const mlp_unary_rows[];

/* Refuses a parameter outside its bound; p holds n_parameters numbers. */
mlp_status mlp_unary_check(const mlp_unary *u, const double *p, const char *who, mlp_error *e);

/*
** The derivatives as rows, of (g, s) with the values {function id, order, p0, p1}: g times the
** slope (order MLP_SLOPE), the curve or the bend of the function at the state s. Their own
** derivatives follow the table to its end; the one after the bend is refused.
*/
extern const mlp_row mlp_row_unary_chain;
mlp_tensor *mlp_emit_chain(mlp_vjp *v, mlp_tensor *g, mlp_tensor *s, int64_t id, int64_t order,
                           const mlp_value p[MLP_UNARY_PARAMETERS]);

#endif
