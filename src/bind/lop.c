/*
** Operations in Lua: one C function reads any row's arguments as the row describes them. The
** closure holds the row; a name with _ at its end works in place. Messages name the row and the
** argument.
*/
#include <math.h>
#include <string.h>

#include "bind/bind.h"
#include "op/op.h"

enum { UP_ROW = MLP_UP_OWN, UP_FORM, OP_UPVALUES = UP_FORM };
enum { PLAIN, IN_PLACE, UNARY_OPERATOR /* Lua passes the operand twice */ };
enum { INLINE_INPUTS = 8 };

/* A call being read. */
typedef struct {
  lua_State *L;
  const mlp_row *row;
  mlp_call call;
  mlp_tensor *inline_in[INLINE_INPUTS];
  int capacity; /* of call.in */
  int next;     /* the next positional argument */
  int top;      /* arguments given; what lies above was made while reading */
  int options;  /* index of the options table, 0 when there is none */
  int n_value;
  bool has_options; /* does the row know any? */
} reading;

static void raise_kind(reading *r, const mlp_arg *a, int index, const char *wanted) {
  mlp_raise(r->L, "%s: %s is %s but %s is wanted", r->row->name, a->name, mlp_describe(r->L, index),
            wanted);
}

/* ---- tensors --------------------------------------------------------------------------------- */

static void add_input(reading *r, mlp_tensor *t) {
  mlp_call *c = &r->call;
  if (c->n_in == r->capacity) { /* the longer array is garbage when the call is over */
    int capacity = 4 * r->capacity;
    mlp_tensor **longer = lua_newuserdatauv(r->L, (size_t)capacity * sizeof *longer, 0);
    memcpy(longer, c->in, (size_t)c->n_in * sizeof *longer);
    c->in = longer;
    r->capacity = capacity;
  }
  c->in[c->n_in++] = t;
}

/* The dtype that a plain number takes: that of the operand given as a tensor, or else of another
** tensor (not of a mask, which only chooses). */
static mlp_dtype dtype_of_others(reading *r) {
  mlp_dtype dtype = MLP_F32;
  for (int i = r->top < MLP_MAX_ARGS ? r->top : MLP_MAX_ARGS; i > 0; i--) {
    mlp_tensor *t = mlp_to_tensor(r->L, i);
    if (t && r->row->arg[i - 1].kind == MLP_ARG_OPERAND) return t->dtype;
    if (t && t->dtype != MLP_U8) dtype = t->dtype;
  }
  return dtype;
}

static void read_tensor(reading *r, const mlp_arg *a, int index) {
  lua_State *L = r->L;
  mlp_tensor *t = mlp_to_tensor(L, index);
  if (t)
    add_input(r, t);
  else if (lua_type(L, index) == LUA_TNUMBER)
    add_input(r, mlp_push_scalar(L, index, dtype_of_others(r), r->row->name));
  else
    add_input(r, mlp_check_tensor(L, index, r->row->name, a->name));
}

static void read_positions(reading *r, const mlp_arg *a, int index) {
  if (lua_istable(r->L, index))
    add_input(r, mlp_push_from_lua(r->L, index, MLP_I64, r->row->name));
  else
    add_input(r, mlp_check_tensor(r->L, index, r->row->name, a->name));
}

static void read_list(reading *r, const mlp_arg *a, int index) {
  lua_State *L = r->L;
  if (!lua_istable(L, index)) raise_kind(r, a, index, "a list of tensors");
  lua_Integer n = (lua_Integer)lua_rawlen(L, index);
  r->call.value[r->n_value++].integer = n;
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, index, i);
    mlp_tensor *t = mlp_to_tensor(L, -1);
    if (!t)
      mlp_raise(L, "%s: %s[%d] is %s but a tensor is wanted", r->row->name, a->name, (int)i,
                mlp_describe(L, -1));
    lua_pop(L, 1); /* the list holds it */
    add_input(r, t);
  }
}

/* ---- values ---------------------------------------------------------------------------------- */

/* 1, 2, ... to 0, 1, ...; -1 (the last), -2, ... stay. */
static int64_t from_one(reading *r, const mlp_arg *a, int index) {
  int whole;
  lua_Integer i = lua_tointegerx(r->L, index, &whole);
  if (!whole) raise_kind(r, a, index, "a whole number");
  if (i == 0)
    mlp_raise(r->L, "%s: %s is 0, but %s count from 1 (or from -1, the last)", r->row->name,
              a->name, a->kind == MLP_ARG_INDEX ? "positions" : "axes");
  return i > 0 ? i - 1 : i;
}

/* One axis; as the last positional argument several, side by side. */
static void read_axis_arguments(reading *r, const mlp_arg *a, int index, mlp_value *v) {
  const mlp_arg *after = a + 1;
  bool last = after == r->row->arg + MLP_MAX_ARGS || !after->kind || after->option;
  int n = 1;
  v->list.item[0] = from_one(r, a, index);
  while (last && index == r->next && n < MLP_MAX_DIMS && index + n <= r->top &&
         lua_type(r->L, index + n) == LUA_TNUMBER) {
    v->list.item[n] = from_one(r, a, index + n);
    n++;
  }
  v->list.n = n;
  if (index == r->next) r->next += n - 1; /* the caller steps over one */
}

static void read_axes(reading *r, const mlp_arg *a, int index, mlp_value *v) {
  lua_State *L = r->L;
  if (lua_isnoneornil(L, index)) {
    v->list.n = -1;
    return;
  }
  if (!lua_istable(L, index)) {
    read_axis_arguments(r, a, index, v);
    return;
  }
  lua_Unsigned n = lua_rawlen(L, index);
  if (n == 0) {
    lua_pushnil(L);
    if (lua_next(L, index))
      raise_kind(r, a, index, "an axis, or a list of axes {1, 2}, without names,");
  }
  if (n > MLP_MAX_DIMS)
    mlp_raise(L, "%s: %s names %d axes, but a tensor has at most %d", r->row->name, a->name, (int)n,
              MLP_MAX_DIMS);
  v->list.n = (int)n;
  for (int i = 0; i < v->list.n; i++) {
    lua_rawgeti(L, index, i + 1);
    v->list.item[i] = from_one(r, a, lua_gettop(L));
    lua_pop(L, 1);
  }
}

static int64_t read_choice(reading *r, const mlp_arg *a, int index) {
  lua_State *L = r->L;
  const char *given = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : NULL;
  for (int i = 0; given && a->choices[i]; i++) {
    if (strcmp(given, a->choices[i]) == 0) return i;
  }
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 0; a->choices[i]; i++) {
    if (i) luaL_addstring(&b, ", ");
    luaL_addstring(&b, a->choices[i]);
  }
  luaL_pushresult(&b);
  const char *known = lua_tostring(L, -1);
  mlp_raise(L, "%s: %s is %s but one of %s is wanted", r->row->name, a->name,
            mlp_describe(L, index), known);
  return 0;
}

static void read_shape(reading *r, int index, mlp_value *v) {
  mlp_shape shape;
  int after = mlp_read_shape(r->L, index, &shape, r->row->name);
  v->list.n = shape.ndim;
  memcpy(v->list.item, shape.dim, sizeof shape.dim);
  if (index == r->next) r->next = after - 1; /* the caller steps over one */
}

static double read_number(reading *r, const mlp_arg *a, int index) {
  if (lua_type(r->L, index) != LUA_TNUMBER) raise_kind(r, a, index, "a number");
  return lua_tonumber(r->L, index);
}

static int64_t read_integer(reading *r, const mlp_arg *a, int index) {
  int whole;
  lua_Integer i = lua_tointegerx(r->L, index, &whole);
  if (!whole || lua_type(r->L, index) != LUA_TNUMBER) raise_kind(r, a, index, "a whole number");
  return i;
}

static int64_t read_flag(reading *r, const mlp_arg *a, int index) {
  if (!lua_isboolean(r->L, index)) raise_kind(r, a, index, "true or false");
  return lua_toboolean(r->L, index);
}

static void draw(reading *r, int index) {
  mlp_stream *s = mlp_check_stream(r->L, index, r->row->name);
  r->call.seed = s->seed;
  r->call.serial = s->serial++;
  r->call.stream = s;
  if (mlp_context_of(r->L)->recording) mlp_anchor(r->L, index);
}

static bool is_value(mlp_arg_kind kind) { return kind >= MLP_ARG_NUMBER && kind != MLP_ARG_STREAM; }

static void read_value(reading *r, const mlp_arg *a, int index) {
  mlp_value *v = &r->call.value[r->n_value++];
  switch (a->kind) {
    case MLP_ARG_NUMBER: v->number = read_number(r, a, index); break;
    case MLP_ARG_INTEGER: v->integer = read_integer(r, a, index); break;
    case MLP_ARG_FLAG: v->integer = read_flag(r, a, index); break;
    case MLP_ARG_AXIS:
    case MLP_ARG_INDEX: v->integer = from_one(r, a, index); break;
    case MLP_ARG_AXES: read_axes(r, a, index, v); break;
    case MLP_ARG_SHAPE:
    case MLP_ARG_TIMES: read_shape(r, index, v); break;
    case MLP_ARG_CHOICE: v->integer = read_choice(r, a, index); break;
    case MLP_ARG_DTYPE: v->integer = mlp_check_dtype(r->L, index, r->row->name); break;
    default: break;
  }
}

/* ---- one argument ---------------------------------------------------------------------------- */

static void read_argument(reading *r, const mlp_arg *a, int index) {
  switch (a->kind) {
    case MLP_ARG_TENSOR:
    case MLP_ARG_OPERAND:
    case MLP_ARG_MAYBE: read_tensor(r, a, index); break;
    case MLP_ARG_POSITIONS: read_positions(r, a, index); break;
    case MLP_ARG_LIST: read_list(r, a, index); break;
    case MLP_ARG_STREAM: draw(r, index); break;
    default: read_value(r, a, index); break;
  }
}

/* The argument was not given: its default, written as a Lua literal. */
static void read_fallback(reading *r, const mlp_arg *a) {
  lua_State *L = r->L;
  const char *f = a->fallback;
  if (a->kind == MLP_ARG_MAYBE || (a->kind == MLP_ARG_POSITIONS && f)) {
    add_input(r, NULL);
    return;
  }
  if (!f && a->kind != MLP_ARG_STREAM && a->kind != MLP_ARG_AXES) {
    bool tensor = a->kind == MLP_ARG_TENSOR || a->kind == MLP_ARG_OPERAND;
    mlp_raise(L, tensor ? "%s: %s is nil but a tensor is wanted" : "%s: %s is missing",
              r->row->name, a->name);
  }
  if (!f || strcmp(f, "nil") == 0)
    lua_pushnil(L);
  else if (strcmp(f, "true") == 0 || strcmp(f, "false") == 0)
    lua_pushboolean(L, f[0] == 't');
  else if (lua_stringtonumber(L, f) == 0)
    lua_pushstring(L, f);
  if (lua_isnil(L, -1) && is_value(a->kind) && a->kind != MLP_ARG_AXES)
    memset(&r->call.value[r->n_value++], 0, sizeof(mlp_value));
  else
    read_argument(r, a, lua_gettop(L));
  lua_pop(L, 1);
}

/* Is the value at index the options table rather than the argument a? */
static bool is_options(const reading *r, const mlp_arg *a, int index) {
  lua_State *L = r->L;
  if (!r->has_options || index != r->top || !lua_istable(L, index)) return false;
  bool takes_table =
      a && (a->kind == MLP_ARG_AXES || a->kind == MLP_ARG_SHAPE || a->kind == MLP_ARG_TIMES ||
            a->kind == MLP_ARG_LIST || a->kind == MLP_ARG_POSITIONS);
  if (!takes_table) return true;
  if (lua_rawlen(L, index) > 0) return false;
  lua_pushnil(L);
  bool named = lua_next(L, index) != 0; /* an empty table is an empty list */
  if (named) lua_pop(L, 2);
  return named;
}

static void read_positional(reading *r, const mlp_arg *a) {
  int index = r->next;
  bool given = index <= r->top && !is_options(r, a, index);
  if (given && !lua_isnil(r->L, index)) {
    read_argument(r, a, index);
  } else {
    read_fallback(r, a);
  }
  if (given) r->next++;
}

static void read_option(reading *r, const mlp_arg *a) {
  if (!r->options || !mlp_option(r->L, r->options, a->name)) {
    read_fallback(r, a);
    return;
  }
  int index = lua_gettop(r->L);
  read_argument(r, a, index); /* the value stays on the stack: the call may hold it */
}

/* ---- options --------------------------------------------------------------------------------- */

static void check_options(reading *r) {
  const char *known[MLP_MAX_ARGS + 1];
  int n = 0;
  for (const mlp_arg *a = r->row->arg; a < r->row->arg + MLP_MAX_ARGS && a->kind; a++) {
    if (a->option) known[n++] = a->name;
  }
  known[n] = NULL;
  mlp_check_options(r->L, r->options, r->row->name, known);
}

static bool row_has_options(const mlp_row *row) {
  for (const mlp_arg *a = row->arg; a < row->arg + MLP_MAX_ARGS && a->kind; a++) {
    if (a->option) return true;
  }
  return false;
}

/* ---- the call -------------------------------------------------------------------------------- */

/* Arguments are described positional first, options after, but tensors and values are numbered in
** the row's order, which is the order of this loop. */
static void read_all(reading *r) {
  const mlp_arg *a = r->row->arg, *end = a + MLP_MAX_ARGS;
  for (; a < end && a->kind; a++) {
    if (a->option && !r->options && r->next <= r->top && is_options(r, NULL, r->next)) {
      r->options = r->next++;
      check_options(r);
    }
    if (a->option)
      read_option(r, a);
    else
      read_positional(r, a);
  }
  if (r->next <= r->top)
    mlp_raise(r->L, "%s: %s is one argument more than it takes", r->row->name,
              mlp_describe(r->L, r->next));
}

/* Reads the arguments on the stack and runs the row; results are pushed. */
static mlp_status attempt(lua_State *L, const mlp_row *row, bool in_place, mlp_error *e) {
  reading r;
  r.L = L;
  r.row = row;
  r.capacity = INLINE_INPUTS;
  r.next = 1;
  r.top = lua_gettop(L);
  while (r.top > 0 && lua_isnil(L, r.top)) r.top--; /* options that were passed on as nil */
  r.options = r.n_value = 0;
  r.has_options = row_has_options(row);
  mlp_call_init(&r.call, mlp_context_of(L), row, 0, r.inline_in);
  read_all(&r);
  r.call.in_place = in_place;
  return mlp_push_results(L, &r.call, e);
}

/* When memory runs out everything unreachable is collected and a call that changes nothing is
** tried once more, from its arguments on. */
static int call_row(lua_State *L) {
  mlp_error e;
  const mlp_row *row = lua_touserdata(L, lua_upvalueindex(UP_ROW));
  int form = (int)lua_tointeger(L, lua_upvalueindex(UP_FORM));
  bool changes = form == IN_PLACE || row->writes;
  mlp_enter(L);
  luaL_checkstack(L, 2 * MLP_MAX_ARGS + MLP_MAX_OUTPUTS + 8, row->name);
  if (form == UNARY_OPERATOR) lua_settop(L, 1);
  int top = lua_gettop(L);
  mlp_status status = attempt(L, row, form == IN_PLACE, &e);
  if (status == MLP_NO_MEMORY && !changes) {
    lua_settop(L, top);
    mlp_collect(L);
    status = attempt(L, row, false, &e);
  }
  if (status != MLP_OK) return mlp_raise_error(L, &e);
  if (!changes || row->n_out == 0) return row->n_out;
  lua_pushvalue(L, 1); /* the caller's own box, not another of the same tensor */
  return 1;
}

/* ---- what a row says of itself --------------------------------------------------------------- */

static const char *const kind_names[] = {[MLP_ARG_END] = "",
                                         [MLP_ARG_TENSOR] = "tensor",
                                         [MLP_ARG_MAYBE] = "tensor or nil",
                                         [MLP_ARG_OPERAND] = "tensor or number",
                                         [MLP_ARG_POSITIONS] = "positions",
                                         [MLP_ARG_LIST] = "list of tensors",
                                         [MLP_ARG_NUMBER] = "number",
                                         [MLP_ARG_INTEGER] = "integer",
                                         [MLP_ARG_FLAG] = "boolean",
                                         [MLP_ARG_AXIS] = "axis",
                                         [MLP_ARG_AXES] = "axes",
                                         [MLP_ARG_SHAPE] = "shape",
                                         [MLP_ARG_TIMES] = "shape",
                                         [MLP_ARG_INDEX] = "position",
                                         [MLP_ARG_CHOICE] = "choice",
                                         [MLP_ARG_DTYPE] = "dtype",
                                         [MLP_ARG_STREAM] = "generator"};

static void push_argument(lua_State *L, const mlp_arg *a) {
  lua_createtable(L, 0, 6);
  lua_pushstring(L, a->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, a->doc);
  lua_setfield(L, -2, "doc");
  lua_pushstring(L, kind_names[a->kind]);
  lua_setfield(L, -2, "kind");
  lua_pushstring(L, a->fallback);
  lua_setfield(L, -2, "default");
  lua_pushboolean(L, a->option);
  lua_setfield(L, -2, "option");
  if (!a->choices) return;
  lua_newtable(L);
  for (int i = 0; a->choices[i]; i++) {
    lua_pushstring(L, a->choices[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "choices");
}

static void push_flag(lua_State *L, const char *name, bool flag) {
  lua_pushboolean(L, flag);
  lua_setfield(L, -2, name);
}

static void push_row(lua_State *L, const mlp_row *row) {
  lua_createtable(L, 0, 10);
  lua_pushstring(L, row->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, row->doc);
  lua_setfield(L, -2, "doc");
  lua_pushstring(L, mlp_row_family(row));
  lua_setfield(L, -2, "family");
  lua_pushinteger(L, row->n_out);
  lua_setfield(L, -2, "outputs");
  push_flag(L, "in_place", row->flags & MLP_IN_PLACE);
  push_flag(L, "internal", row->flags & MLP_INTERNAL);
  push_flag(L, "method", !(row->flags & MLP_NOT_A_METHOD));
  push_flag(L, "differentiable", row->vjp != NULL);
  push_flag(L, "random", row->flags & MLP_RANDOM);
  lua_newtable(L);
  for (int i = 0; i < MLP_MAX_ARGS && row->arg[i].kind; i++) {
    push_argument(L, &row->arg[i]);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "arguments");
}

/* rows() -> list of {name, doc, arguments, ...}: for help, the reference and the specs. */
static int core_rows(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; mlp_rows[i]; i++) {
    push_row(L, mlp_rows[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* ---- registration ---------------------------------------------------------------------------- */

static void push_closure(lua_State *L, const mlp_row *row, int form) {
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_HOST));
  lua_pushlightuserdata(L, (void *)(uintptr_t)row);
  lua_pushinteger(L, form);
  lua_pushcclosure(L, call_row, OP_UPVALUES);
}

static void register_name(lua_State *L, const mlp_row *row, int form, int methods) {
  lua_pushfstring(L, form == IN_PLACE ? "%s_" : "%s", row->name); /* name */
  push_closure(L, row, form);                                     /* name closure */
  if (!(row->flags & (MLP_NOT_A_METHOD | MLP_INTERNAL))) {
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, methods); /* methods[name] = closure */
  }
  lua_rawset(L, -3); /* core[name] = closure */
}

static void register_operator(lua_State *L, const char *event, const char *name, int form) {
  for (int i = 0; mlp_rows[i]; i++) {
    if (strcmp(mlp_rows[i]->name, name) != 0) continue;
    push_closure(L, mlp_rows[i], form);
    lua_setfield(L, lua_upvalueindex(MLP_UP_METATABLE), event); /* metatable.__add = ... */
  }
}

void mlp_open_operations(lua_State *L, int methods) {
  static const luaL_Reg functions[] = {{"rows", core_rows}, {NULL, NULL}};
  static const char *const operators[][2] = {{"__add", "add"},           {"__sub", "sub"},
                                             {"__mul", "mul"},           {"__div", "div"},
                                             {"__pow", "pow"},           {"__mod", "remainder"},
                                             {"__idiv", "floor_divide"}, {"__band", "logical_and"},
                                             {"__bor", "logical_or"},    {"__bxor", "logical_xor"}};
  mlp_register(L, functions);
  for (int i = 0; mlp_rows[i]; i++) {
    register_name(L, mlp_rows[i], PLAIN, methods);
    if (mlp_rows[i]->flags & MLP_IN_PLACE) register_name(L, mlp_rows[i], IN_PLACE, methods);
  }
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
    register_operator(L, operators[i][0], operators[i][1], PLAIN);
  register_operator(L, "__unm", "neg", UNARY_OPERATOR);
  register_operator(L, "__bnot", "logical_not", UNARY_OPERATOR);
}
