/*
** An operation is one row. Everything the library knows about it stands there: the arguments
** (the Lua binding, the messages and the documentation read them), how shapes follow, what is
** refused by value, the computation, the derivative written in operations, and how it behaves along
** the batch axis. Drivers (src/graph) run rows; they never ask which row it is.
**
** The life of a call: the driver fills `in` and `value`; `infer` refuses by shape and dtype, and
** sizes the outputs, the hidden outputs (what the derivative wants saved) and the workspace;
** `check` refuses by value; the driver allocates; `run` computes. After infer and check nothing
** can go wrong but numerics: a factorisation that breaks down points `failure` to a sentence.
**
** Units and conventions inside C: axes, indices of arguments and classes in `value` count from 0
** after infer; elements of index *tensors* count from 1, as the user wrote them. Unless a row is
** MLP_STRIDED its inputs arrive contiguous; outputs are contiguous unless they are views.
*/
#ifndef MLP_OP_OP_H
#define MLP_OP_OP_H

#include "tensor/tensor.h"

enum { MLP_MAX_ARGS = 10, MLP_MAX_VALUES = 8, MLP_MAX_OUTPUTS = 4 };

/* ---- arguments ------------------------------------------------------------------------------- */

typedef enum {
  MLP_ARG_END,
  /* tensors, in the order of call->in */
  MLP_ARG_TENSOR,
  MLP_ARG_MAYBE,     /* a tensor or nil: call->in holds NULL */
  MLP_ARG_OPERAND,   /* a tensor, or a number that takes the dtype of the call's other tensor */
  MLP_ARG_POSITIONS, /* an int64 tensor of positions from 1, or a Lua table of them */
  MLP_ARG_LIST, /* a Lua list of tensors; its length is a value, its tensors follow in call->in */
  /* values, in the order of call->value */
  MLP_ARG_NUMBER,  /* .number */
  MLP_ARG_INTEGER, /* .integer, as given */
  MLP_ARG_FLAG,    /* .integer 0 or 1 */
  MLP_ARG_AXIS,    /* .integer from 0, or negative from the end: mlp_call_axis resolves it */
  MLP_ARG_AXES,    /* .list of such axes, from one integer, a table, or nil: n = -1, all axes */
  MLP_ARG_SHAPE,   /* .list of lengths, from varargs or one table; -1 is kept as given. Lengths of
                      output 0: a driver that cuts the batch cuts them as it cuts that output */
  MLP_ARG_TIMES,   /* the same, but of something else */
  MLP_ARG_INDEX,   /* .integer from 0, or negative from the end */
  MLP_ARG_CHOICE,  /* .integer, the place in `choices` */
  MLP_ARG_DTYPE,   /* .integer, an mlp_dtype */
  MLP_ARG_STREAM   /* a generator or nil (the default one); the driver draws call->seed, serial */
} mlp_arg_kind;

typedef struct {
  mlp_arg_kind kind;
  const char *name;
  const char *doc;      /* a phrase: what it is, shape, unit */
  const char *fallback; /* Lua literal for the default ("0.5", "true", "nil"), NULL: required */
  const char *const *choices; /* of MLP_ARG_CHOICE, NULL-terminated */
  bool option;                /* given by name in the last table, not by position */
} mlp_arg;

typedef union {
  double number;
  int64_t integer;
  struct {
    int n;
    int64_t item[MLP_MAX_DIMS];
  } list;
} mlp_value;

/* ---- the call -------------------------------------------------------------------------------- */

typedef struct {
  mlp_dtype dtype;
  mlp_shape shape;
  int view_of; /* -1: fresh memory; i: a view of in[i] with the stride and offset below */
  int64_t stride[MLP_MAX_DIMS];
  int64_t offset;
} mlp_spec;

typedef struct mlp_row mlp_row;

typedef struct mlp_call {
  const mlp_row *row;
  mlp_context *context;
  int n_in, n_out; /* n_out counts the hidden outputs, which stand after the public ones */
  mlp_tensor **in; /* NULL where an optional tensor is absent */
  mlp_tensor *out[MLP_MAX_OUTPUTS];
  mlp_value value[MLP_MAX_VALUES];
  mlp_spec spec[MLP_MAX_OUTPUTS]; /* infer's answer */
  uint64_t save_in, save_out;     /* what the derivative reads; infer may narrow the row's masks */
  size_t work_bytes;              /* infer's wish */
  void *work;
  uint64_t seed, serial;       /* of the random stream, when the row draws */
  mlp_stream *stream;          /* where they were drawn from */
  int64_t part_row, part_rows; /* a part of a batch: its first row and how many; 0 rows: no part */
  uint64_t cut;        /* mask of the inputs that are cut with it; bit 63: every input past 62 */
  bool accumulate;     /* output 0 is added to, not replaced: for rows that are MLP_ADDS */
  bool in_place;       /* out[0] is in[0] */
  bool traced;         /* a gradient is wanted: hidden outputs are worth making */
  const char *failure; /* set by run when the numbers break down */
} mlp_call;

/* ---- tiling ---------------------------------------------------------------------------------- */

/* How a value relates to the batch axis (design: "a batch is many small tiles"). */
typedef enum {
  MLP_SHARED,  /* the same for every row */
  MLP_ROWS,    /* `axis` runs over the batch: computed a tile at a time */
  MLP_REDUCED, /* a sum over the batch, finished when all tiles are done */
  MLP_WHOLE    /* needs all rows at once */
} mlp_spread;

typedef struct {
  mlp_spread spread;
  int axis;         /* of MLP_ROWS, from 0 */
  int64_t multiple; /* elements of `axis` per batch row: (B, T) merged to B*T has T */
} mlp_tile;

/* ---- the derivative, written in operations --------------------------------------------------- */

typedef struct mlp_vjp mlp_vjp; /* build.h */

/* ---- the row --------------------------------------------------------------------------------- */

enum {
  MLP_STRIDED = 1,       /* run reads inputs through their strides */
  MLP_VIEW = 2,          /* outputs share the storage of in[0]; run does nothing */
  MLP_IN_PLACE = 4,      /* run may write out[i] over in[i], contiguous; out[0] has a name_ twin */
  MLP_RANDOM = 8,        /* draws: never merged, never dropped */
  MLP_NO_GRADIENT = 16,  /* outputs carry no gradient by nature: comparisons, indices */
  MLP_INTERNAL = 32,     /* not offered to Lua: derivatives of derivatives */
  MLP_NOT_A_METHOD = 64, /* mlp.name(...) only */
  MLP_DYNAMIC = 128,     /* the shape of the output depends on values: a plan cannot freeze it */
  MLP_ADDS = 512,        /* run can add to output 0: call->accumulate */
  MLP_MATRICES = 256     /* inputs may arrive with their last two axes exchanged, else contiguous */
};

struct mlp_row {
  const char *name;
  const char *doc; /* first line: what it computes, as a formula; further lines: source, notes */
  mlp_arg arg[MLP_MAX_ARGS];
  unsigned flags;
  int n_out;       /* public outputs */
  uint64_t writes; /* mask of tensor arguments (a list is one) that run changes, through their
                      strides; with bit 0 and n_out of 1 the row always works in place: out[0]
                      is in[0] */
  uint64_t save_in, save_out; /* masks of what vjp reads; bit 63 of save_in: every input past 62 */
  mlp_status (*infer)(mlp_call *c, mlp_error *e);
  mlp_status (*check)(const mlp_call *c, mlp_error *e);
  void (*run)(mlp_call *c);
  void (*vjp)(mlp_vjp *v);
  void (*tiling)(const mlp_call *c, const mlp_tile *in, mlp_tile *out);
};

/* The table: every row of list.h, NULL-terminated, in the order of the list. */
extern const mlp_row *const mlp_rows[];

/* The heading of list.h under which a row stands, for the documentation. */
const char *mlp_row_family(const mlp_row *row);

/* ---- helpers for infer, shared by the rows (op.c) -------------------------------------------- */

/* Describes output i as fresh memory; outputs are described in order and counted. */
mlp_status mlp_out(mlp_call *c, mlp_dtype dtype, const mlp_shape *shape, mlp_error *e);
mlp_status mlp_out_like(mlp_call *c, const mlp_tensor *like, mlp_error *e);

/* Describes the only output as a view of in[0]. */
mlp_status mlp_out_view(mlp_call *c, const mlp_shape *shape, const int64_t *stride, int64_t offset,
                        mlp_error *e);

/* Refuses unless in[i] is float32 or float64 / has exactly this dtype / the same as in[j]. */
mlp_status mlp_want_float(const mlp_call *c, int i, mlp_error *e);
mlp_status mlp_want_dtype(const mlp_call *c, int i, mlp_dtype dtype, mlp_error *e);
mlp_status mlp_want_same_dtype(const mlp_call *c, int i, int j, mlp_error *e);
mlp_status mlp_want_ndim(const mlp_call *c, int i, int least, int most, mlp_error *e);

/* Resolves value[k] (MLP_ARG_AXIS) against in[i]; on success it lies in 0 .. ndim-1. */
mlp_status mlp_call_axis(mlp_call *c, int k, int i, mlp_error *e);

/* Resolves value[k] (MLP_ARG_AXES) against in[i] into ascending, distinct axes; nil is all. */
mlp_status mlp_call_axes(mlp_call *c, int k, int i, mlp_error *e);

/* The name by which messages call argument i of call->in: "input 2", or the row's own word. */
const char *mlp_in_name(const mlp_call *c, int i);

/* Does in[i] belong to an argument in the row's `writes`? */
bool mlp_in_written(const mlp_call *c, int i);

/* Does this call change in[i], as its row always does or because it runs in place? */
static inline bool mlp_call_writes(const mlp_call *c, int i) {
  return (c->in_place && i == 0) || mlp_in_written(c, i);
}

/* Is out[i] fresh memory, neither a view of an input nor an input itself? */
static inline bool mlp_call_makes(const mlp_call *c, int i) {
  return c->spec[i].view_of < 0 && !(i == 0 && c->in_place);
}

/* Are both cut along the same axis, by as many elements for a row? */
static inline bool mlp_rows_alike(const mlp_tile *a, const mlp_tile *b) {
  return a->spread == MLP_ROWS && b->spread == MLP_ROWS && a->axis == b->axis &&
         a->multiple == b->multiple;
}

/* Ready-made tilings. */
void mlp_tiling_elementwise(const mlp_call *c, const mlp_tile *in,
                            mlp_tile *out);                                 /* broadcasting */
void mlp_tiling_rows(const mlp_call *c, const mlp_tile *in, mlp_tile *out); /* last axis is whole */
void mlp_tiling_whole(const mlp_call *c, const mlp_tile *in, mlp_tile *out);

/* Prepares a call of `row` on borrowed inputs; values are the caller's to fill, and only those that
** the row reads. Field by field: clearing the whole struct would cost as much as a small
** operation. */
static inline void mlp_call_init(mlp_call *c, mlp_context *x, const mlp_row *row, int n_in,
                                 mlp_tensor **in) {
  c->row = row;
  c->context = x;
  c->n_in = n_in;
  c->n_out = 0;
  c->in = in;
  for (int i = 0; i < MLP_MAX_OUTPUTS; i++) c->out[i] = NULL;
  c->save_in = row->save_in;
  c->save_out = row->save_out;
  c->work_bytes = 0;
  c->work = NULL;
  c->in_place = false;
  c->traced = false;
  c->accumulate = false;
  c->part_row = c->part_rows = 0;
  c->cut = 0;
  c->failure = NULL;
}

/* How many elements of the whole lie before this part of a batch, of which a tensor of `count`
** elements, led by the batch, is cut. */
static inline int64_t mlp_elements_before(const mlp_call *c, int64_t count) {
  return c->part_rows > 0 ? c->part_row * (count / c->part_rows) : 0;
}

/* ---- reading a call in run ------------------------------------------------------------------- */

static inline void *mlp_in(const mlp_call *c, int i) { return mlp_tensor_data(c->in[i]); }
static inline void *mlp_result(const mlp_call *c, int i) { return mlp_tensor_data(c->out[i]); }

/* What lies `elements` further on. */
static inline void *mlp_after(void *data, int64_t elements, mlp_dtype dtype) {
  return (char *)data + elements * (int64_t)mlp_dtype_bytes(dtype);
}

#endif
