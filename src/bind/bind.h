/*
** The border. Only files in src/bind include lua.h; they read arguments, call the floors below and
** push results. Nothing owned by C alone is alive while Lua may raise: a box is made first, then
** filled. Every C function of the module has the same first upvalues: MLP_UP_METATABLE of tensors
** and MLP_UP_HOST, the userdata with everything that belongs to this Lua state.
*/
#ifndef MLP_BIND_BIND_H
#define MLP_BIND_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "graph/apply.h"

enum { MLP_UP_METATABLE = 1, MLP_UP_HOST, MLP_UP_OWN, MLP_SHARED_UPVALUES = 2 };

#define MLP_TENSOR_NAME "mlp.Tensor"

/* A tensor in Lua: one counted reference, NULL once closed. */
typedef struct {
  mlp_tensor *tensor;
} mlp_box;

/* An open no_grad scope. One opened in a coroutine holds for that coroutine alone. */
typedef struct mlp_scope {
  bool open;
  lua_State *coroutine; /* NULL: opened by the main thread, holds everywhere */
  struct mlp_scope *next;
} mlp_scope;

/* What belongs to one Lua state. The bytes let the collector know what it cannot see. */
typedef struct {
  mlp_context context;
  int64_t no_grad_depth;       /* scopes of the main thread */
  mlp_scope *coroutine_scopes; /* open scopes of coroutines */
  size_t credited_bytes;       /* of memory.taken_bytes: those the collector has been told of */
  size_t collected_bytes;      /* memory.taken_bytes when the collector last came round */
  size_t survived_bytes;       /* memory.live_bytes then */
  double pace;                 /* debt credited per byte taken */
  double cycle_seconds;        /* of the processor, when the collector last came round */
  double byte_cost;            /* seconds per byte taken, in the cycle before */
  bool faster;                 /* the pace was raised after it, not lowered */
  uint64_t hooks;              /* changes of the hooks of modules so far */
  int64_t tile_height;         /* for specs; 0: plans choose */
  bool watched;                /* a sentinel waits for the next time */
} mlp_host;

static inline mlp_host *mlp_host_of(lua_State *L) {
  return lua_touserdata(L, lua_upvalueindex(MLP_UP_HOST));
}
static inline mlp_context *mlp_context_of(lua_State *L) { return &mlp_host_of(L)->context; }

/* ---- errors (lraise.c) ----------------------------------------------------------------------- */

/* Raises at the first frame outside lua/mlp, with the path of the module that was running. */
int mlp_raise(lua_State *L, const char *format, ...) MLP_PRINTF(2, 3);
int mlp_raise_error(lua_State *L, const mlp_error *e);

/* "a string", "nil", "a tensor (3, 4)": lent text for messages, left on the stack. */
const char *mlp_describe(lua_State *L, int index);

/* ---- words (lguess.c) ------------------------------------------------------------------------ */

/* Edits between two words; 99 when one is longer than a word. */
int mlp_word_distance(const char *a, const char *b);

/* Refuses what is neither nil nor a table of options in a NULL-terminated list. */
void mlp_check_options(lua_State *L, int index, const char *who, const char *const *known);

/* ---- tensors (lbox.c) ------------------------------------------------------------------------ */

/* Call on entry to whatever may allocate or record, before any C pointer is read: lets the
** collector work and finds out whether this thread records history. */
void mlp_enter(lua_State *L);

/* Pushes an empty box: fill it at once. */
mlp_box *mlp_push_box(lua_State *L);

mlp_tensor *mlp_to_tensor(lua_State *L, int index); /* NULL when it is none, or closed */
mlp_tensor *mlp_check_tensor(lua_State *L, int index, const char *who, const char *what);
mlp_dtype mlp_check_dtype(lua_State *L, int index, const char *who);

/* A full collection, where no C pointer is held. */
void mlp_collect(lua_State *L);

/* Tells the collector of bytes taken since the last call. */
void mlp_credit(lua_State *L);

/* Runs the call and pushes its public outputs; boxes are pushed in any case. The second raises. */
mlp_status mlp_push_results(lua_State *L, mlp_call *c, mlp_error *e);
int mlp_push_call(lua_State *L, mlp_call *c);

/* A shape from varargs starting at index, or from one table there. Returns the first index
** after. */
int mlp_read_shape(lua_State *L, int index, mlp_shape *shape, const char *who);

/* Pushes a fresh tensor whose numbers are not set yet. */
mlp_tensor *mlp_push_new(lua_State *L, mlp_dtype dtype, const mlp_shape *shape, const char *who);

/* Pushes a fresh tensor of the dtype from a nested table, a number or a flag at index. */
mlp_tensor *mlp_push_from_lua(lua_State *L, int index, mlp_dtype dtype, const char *who);

/* A fresh () tensor holding a number; refuses what the dtype cannot hold. Pushed. */
mlp_tensor *mlp_push_scalar(lua_State *L, int index, mlp_dtype dtype, const char *who);

/* Reads one element as a Lua number. */
void mlp_push_element(lua_State *L, const mlp_tensor *t, int64_t offset);
/* Writes the Lua number at index into one element; refuses what the dtype cannot hold. */
void mlp_write_element(lua_State *L, mlp_tensor *t, int64_t offset, int index, const char *who);

/* A field of the table at index; false (and nothing pushed) when it is nil. */
bool mlp_option(lua_State *L, int index, const char *name);

/* The stream of a generator at index, or the default one for nil. */
mlp_stream *mlp_check_stream(lua_State *L, int index, const char *who);

/* ---- compiled functions (lplan.c) ------------------------------------------------------------ */

/* Raises while a function is being compiled: `who` "gives a value to Lua", "writes a value", ... */
void mlp_forbid(lua_State *L, const char *who, const char *what);

/* Keeps the value at index as long as the recording, and the plan made of it. */
void mlp_anchor(lua_State *L, int index);

/* ---- each file adds its functions to the table on top of the stack --------------------------- */

/* Registers with the shared upvalues. */
void mlp_register(lua_State *L, const luaL_Reg *functions);

void mlp_open_box(lua_State *L, int methods);
void mlp_open_create(lua_State *L, int methods);
void mlp_open_bytes(lua_State *L, int methods);
void mlp_open_index(lua_State *L, int methods);
void mlp_open_operations(lua_State *L, int methods);
void mlp_open_graph(lua_State *L, int methods);
void mlp_open_plan(lua_State *L);
void mlp_open_random(lua_State *L);
void mlp_open_raise(lua_State *L);
void mlp_open_guess(lua_State *L);
void mlp_open_codec(lua_State *L);
void mlp_open_info(lua_State *L);
void mlp_open_debug(lua_State *L);

#endif
