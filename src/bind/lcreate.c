/*
** Tensors from Lua values and back: the only loops over data on this floor. Tables are read in
** bulk, a shape is taken from their first branches and every other branch must agree. Byte strings
** are the business of lbytes.c.
*/
#include <math.h>
#include <string.h>

#include "bind/bind.h"

extern const mlp_row mlp_row_contiguous, mlp_row_clone, mlp_row_to;

/* ---- dtypes, options, shapes ----------------------------------------------------------------- */

mlp_dtype mlp_check_dtype(lua_State *L, int index, const char *who) {
  const char *name = lua_type(L, index) == LUA_TSTRING ? lua_tostring(L, index) : "";
  for (int d = 0; d < MLP_DTYPES; d++) {
    if (strcmp(name, mlp_dtype_name((mlp_dtype)d)) == 0) return (mlp_dtype)d;
  }
  mlp_raise(L, "%s: dtype is %s but one of float32, float64, int64, uint8 is wanted", who,
            mlp_describe(L, index));
  return MLP_F32;
}

bool mlp_option(lua_State *L, int index, const char *name) {
  if (lua_getfield(L, index, name) != LUA_TNIL) return true;
  lua_pop(L, 1);
  return false;
}

static int64_t read_length(lua_State *L, int index, const char *who) {
  int whole;
  lua_Integer n = lua_tointegerx(L, index, &whole);
  if (!whole || lua_type(L, index) != LUA_TNUMBER)
    mlp_raise(L, "%s: %s is not a length; whole numbers or one table of them are wanted", who,
              mlp_describe(L, index));
  return n;
}

static void add_length(lua_State *L, mlp_shape *shape, int64_t n, const char *who) {
  if (shape->ndim == MLP_MAX_DIMS)
    mlp_raise(L, "%s: a tensor has at most %d axes", who, MLP_MAX_DIMS);
  shape->dim[shape->ndim++] = n;
}

int mlp_read_shape(lua_State *L, int index, mlp_shape *shape, const char *who) {
  shape->ndim = 0;
  if (lua_istable(L, index)) {
    lua_Unsigned n = lua_rawlen(L, index);
    for (lua_Unsigned i = 1; i <= n; i++) {
      lua_rawgeti(L, index, (lua_Integer)i);
      add_length(L, shape, read_length(L, lua_gettop(L), who), who);
      lua_pop(L, 1);
    }
    return index + 1;
  }
  while (lua_type(L, index) == LUA_TNUMBER) add_length(L, shape, read_length(L, index++, who), who);
  return index;
}

/* What creation functions take at their end. */
typedef struct {
  mlp_dtype dtype;
  bool requires_grad;
} creation;

static creation read_creation(lua_State *L, int index, mlp_dtype dtype, const char *who) {
  static const char *const known[] = {"dtype", "requires_grad", NULL};
  creation o = {dtype, false};
  mlp_check_options(L, index, who, known);
  if (!lua_istable(L, index)) return o;
  if (mlp_option(L, index, "dtype")) {
    o.dtype = mlp_check_dtype(L, lua_gettop(L), who);
    lua_pop(L, 1);
  }
  if (mlp_option(L, index, "requires_grad")) {
    o.requires_grad = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  return o;
}

mlp_tensor *mlp_push_new(lua_State *L, mlp_dtype dtype, const mlp_shape *shape, const char *who) {
  mlp_error e;
  mlp_enter(L);
  if (mlp_shape_check(shape, who, &e) != MLP_OK) mlp_raise_error(L, &e);
  mlp_box *box = mlp_push_box(L);
  box->tensor = mlp_tensor_new(mlp_context_of(L), dtype, shape);
  if (!box->tensor) {
    mlp_collect(L);
    box->tensor = mlp_tensor_new(mlp_context_of(L), dtype, shape);
  }
  if (!box->tensor) {
    mlp_no_memory(&e, (size_t)mlp_shape_count(shape) * mlp_dtype_bytes(dtype));
    mlp_raise_error(L, &e);
  }
  return box->tensor;
}

static mlp_tensor *push_new(lua_State *L, creation o, const mlp_shape *shape, const char *who) {
  if (o.requires_grad && !mlp_is_float(o.dtype))
    mlp_raise(L, "%s: only floats carry gradients, but the dtype is %s", who,
              mlp_dtype_name(o.dtype));
  mlp_tensor *t = mlp_push_new(L, o.dtype, shape, who);
  t->requires_grad = o.requires_grad;
  return t;
}

/* ---- one element ----------------------------------------------------------------------------- */

void mlp_push_element(lua_State *L, const mlp_tensor *t, int64_t offset) {
  const void *data = t->storage->data;
  switch (t->dtype) {
    case MLP_F32: lua_pushnumber(L, (double)((const float *)data)[offset]); break;
    case MLP_F64: lua_pushnumber(L, ((const double *)data)[offset]); break;
    case MLP_I64: lua_pushinteger(L, ((const int64_t *)data)[offset]); break;
    default: lua_pushinteger(L, ((const uint8_t *)data)[offset]); break;
  }
}

static void raise_element(lua_State *L, mlp_dtype dtype, int index, const char *who) {
  if (mlp_to_tensor(L, index))
    mlp_raise(L,
              "%s: %s stands where a number is wanted; mlp.stack joins tensors, x:item() is the "
              "number in one",
              who, mlp_describe(L, index));
  mlp_raise(L, "%s: %s does not fit into %s", who, mlp_describe(L, index), mlp_dtype_name(dtype));
}

/* Booleans are 1 and 0, so that masks can be written as true and false. */
static lua_Integer read_whole(lua_State *L, int index, mlp_dtype dtype, const char *who) {
  int whole;
  if (lua_isboolean(L, index)) return lua_toboolean(L, index);
  lua_Integer i = lua_tointegerx(L, index, &whole);
  if (!whole || lua_type(L, index) != LUA_TNUMBER) raise_element(L, dtype, index, who);
  return i;
}

static double read_float(lua_State *L, int index, mlp_dtype dtype, const char *who) {
  if (lua_type(L, index) == LUA_TNUMBER) return lua_tonumber(L, index);
  if (lua_isboolean(L, index)) return lua_toboolean(L, index);
  raise_element(L, dtype, index, who);
  return 0;
}

void mlp_write_element(lua_State *L, mlp_tensor *t, int64_t offset, int index, const char *who) {
  void *data = t->storage->data;
  lua_Integer i;
  switch (t->dtype) {
    case MLP_F32: ((float *)data)[offset] = (float)read_float(L, index, MLP_F32, who); break;
    case MLP_F64: ((double *)data)[offset] = read_float(L, index, MLP_F64, who); break;
    case MLP_I64: ((int64_t *)data)[offset] = read_whole(L, index, MLP_I64, who); break;
    default:
      i = read_whole(L, index, MLP_U8, who);
      if (i < 0 || i > 255) raise_element(L, MLP_U8, index, who);
      ((uint8_t *)data)[offset] = (uint8_t)i;
      break;
  }
}

mlp_tensor *mlp_push_scalar(lua_State *L, int index, mlp_dtype dtype, const char *who) {
  mlp_shape none = {0};
  index = lua_absindex(L, index);
  mlp_tensor *t = push_new(L, (creation){dtype, false}, &none, who);
  mlp_write_element(L, t, 0, index, who);
  return t;
}

/* ---- from tables ----------------------------------------------------------------------------- */

/* The shape of the nested table at index: the lengths along its first branches. */
static void table_shape(lua_State *L, int index, mlp_shape *shape, const char *who) {
  shape->ndim = 0;
  lua_pushvalue(L, index);
  while (lua_istable(L, -1)) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
    add_length(L, shape, n, who);
    if (n == 0) break;
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
  lua_pop(L, 1);
}

/* Raises "tensor: t[2][3] is a table of 2 but 3 are wanted"; place[0 .. depth) from 1. */
static void raise_branch(lua_State *L, const int64_t *place, int depth, int64_t wanted,
                         const char *who) {
  luaL_Buffer b;
  const char *what = lua_istable(L, -1)
                         ? lua_pushfstring(L, "a table of %d", (int)lua_rawlen(L, -1))
                         : mlp_describe(L, -1);
  luaL_buffinit(L, &b);
  for (int i = 0; i < depth; i++) {
    lua_pushfstring(L, "[%I]", (LUAI_UACINT)place[i]);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  if (wanted < 0)
    mlp_raise(L, "%s: t%s is %s but a number is wanted", who, lua_tostring(L, -1), what);
  mlp_raise(L, "%s: t%s is %s but a table of %lld is wanted", who, lua_tostring(L, -1), what,
            (long long)wanted);
}

/* Writes the branch on top of the stack; `next` counts elements. */
static void fill_branch(lua_State *L, mlp_tensor *t, int depth, int64_t *place, int64_t *next,
                        const char *who) {
  int64_t n = t->shape.dim[depth];
  bool last = depth + 1 == t->shape.ndim;
  if (!lua_istable(L, -1) || (int64_t)lua_rawlen(L, -1) != n) raise_branch(L, place, depth, n, who);
  for (int64_t i = 1; i <= n; i++) {
    place[depth] = i;
    lua_rawgeti(L, -1, i);
    if (!last)
      fill_branch(L, t, depth + 1, place, next, who);
    else if (lua_istable(L, -1) || lua_isnil(L, -1))
      raise_branch(L, place, depth + 1, -1, who);
    else
      mlp_write_element(L, t, (*next)++, lua_gettop(L), who);
    lua_pop(L, 1);
  }
}

mlp_tensor *mlp_push_from_lua(lua_State *L, int index, mlp_dtype dtype, const char *who) {
  mlp_shape shape;
  int64_t place[MLP_MAX_DIMS], next = 0;
  index = lua_absindex(L, index);
  luaL_checkstack(L, MLP_MAX_DIMS + 8, who);
  if (!lua_istable(L, index)) return mlp_push_scalar(L, index, dtype, who);
  table_shape(L, index, &shape, who);
  mlp_tensor *t = push_new(L, (creation){dtype, false}, &shape, who);
  lua_pushvalue(L, index);
  fill_branch(L, t, 0, place, &next, who);
  lua_pop(L, 1);
  return t;
}

/* A copy of the tensor at 1, without history, in the dtype that the options ask for. */
static int copy_tensor(lua_State *L, mlp_tensor *t) {
  mlp_error e;
  creation o = read_creation(L, 2, t->dtype, "tensor");
  mlp_enter(L);
  mlp_box *box = mlp_push_box(L);
  box->tensor = mlp_tensor_alias(t);
  if (!box->tensor) return mlp_no_memory(&e, sizeof *t), mlp_raise_error(L, &e);
  mlp_call c;
  mlp_call_init(&c, mlp_context_of(L), o.dtype == t->dtype ? &mlp_row_clone : &mlp_row_to, 1,
                &box->tensor);
  c.value[0].integer = o.dtype;
  mlp_push_call(L, &c);
  if (o.requires_grad && !mlp_is_float(o.dtype))
    return mlp_raise(L, "tensor: only floats carry gradients, but the dtype is %s",
                     mlp_dtype_name(o.dtype));
  mlp_to_tensor(L, -1)->requires_grad = o.requires_grad;
  return 1;
}

/* Refuses tensor{1, 2, dtype = "int64"}: what has a name belongs into the second table. */
static void refuse_names(lua_State *L, int index) {
  lua_Unsigned n = lua_rawlen(L, index);
  if (n == 0)
    lua_pushnil(L);
  else
    lua_pushinteger(L, (lua_Integer)n);
  if (!lua_next(L, index)) return;
  if (lua_type(L, -2) == LUA_TSTRING)
    mlp_raise(L,
              "tensor: the table of numbers has a field '%s'; options stand in a table of their "
              "own: tensor({1, 2}, {dtype = \"float64\"})",
              lua_tostring(L, -2));
  lua_pop(L, 2);
}

/* tensor(numbers, {dtype=, requires_grad=}): nested tables, a number, a boolean, or a tensor that
** is copied. */
static int core_tensor(lua_State *L) {
  int kind = lua_type(L, 1);
  mlp_tensor *given = mlp_to_tensor(L, 1);
  if (given) return copy_tensor(L, given);
  if (kind != LUA_TTABLE && kind != LUA_TNUMBER && kind != LUA_TBOOLEAN)
    return mlp_raise(L, "tensor: %s came but a table of numbers or a number is wanted",
                     mlp_describe(L, 1));
  if (kind == LUA_TTABLE) refuse_names(L, 1);
  creation o = read_creation(L, 2, MLP_F32, "tensor");
  if (o.requires_grad && !mlp_is_float(o.dtype))
    return mlp_raise(L, "tensor: only floats carry gradients, but the dtype is %s",
                     mlp_dtype_name(o.dtype));
  mlp_push_from_lua(L, 1, o.dtype, "tensor")->requires_grad = o.requires_grad;
  return 1;
}

/* ---- by rule --------------------------------------------------------------------------------- */

/* Fills a contiguous tensor with start + i * step. */
static void fill_steps(mlp_tensor *t, double start, double step) {
  int64_t n = mlp_tensor_count(t);
  void *data = mlp_tensor_data(t);
  for (int64_t i = 0; i < n; i++) {
    double x = start + (double)i * step;
    if (t->dtype == MLP_F32) ((float *)data)[i] = (float)x;
    if (t->dtype == MLP_F64) ((double *)data)[i] = x;
    if (t->dtype == MLP_I64) ((int64_t *)data)[i] = (int64_t)x;
    if (t->dtype == MLP_U8) ((uint8_t *)data)[i] = (uint8_t)x;
  }
}

static int make_filled(lua_State *L, const char *who, int shape_at, double number, bool clear) {
  mlp_shape shape;
  int next = mlp_read_shape(L, shape_at, &shape, who);
  mlp_tensor *t = push_new(L, read_creation(L, next, MLP_F32, who), &shape, who);
  if (clear)
    memset(mlp_tensor_data(t), 0, t->storage->bytes);
  else
    fill_steps(t, number, 0);
  return 1;
}

static int core_zeros(lua_State *L) { return make_filled(L, "zeros", 1, 0, true); }
static int core_ones(lua_State *L) { return make_filled(L, "ones", 1, 1, false); }

/* full(shape table, number, options) */
static int core_full(lua_State *L) {
  mlp_shape shape;
  if (!lua_istable(L, 1))
    return mlp_raise(L, "full: the shape is %s but a table is wanted: full({2, 3}, 0.5)",
                     mlp_describe(L, 1));
  if (lua_type(L, 2) != LUA_TNUMBER && lua_type(L, 2) != LUA_TBOOLEAN)
    return mlp_raise(L, "full: the value is %s but a number is wanted", mlp_describe(L, 2));
  mlp_read_shape(L, 1, &shape, "full");
  mlp_tensor *t = push_new(L, read_creation(L, 3, MLP_F32, "full"), &shape, "full");
  int64_t n = mlp_tensor_count(t);
  size_t step = mlp_dtype_bytes(t->dtype);
  for (int64_t i = 0; i < n; i++) {
    if (i == 0)
      mlp_write_element(L, t, 0, 2, "full");
    else
      memcpy((char *)mlp_tensor_data(t) + (size_t)i * step, mlp_tensor_data(t), step);
  }
  return 1;
}

static double check_number(lua_State *L, int index, const char *who, const char *what) {
  if (lua_type(L, index) != LUA_TNUMBER)
    mlp_raise(L, "%s: %s is %s but a number is wanted", who, what, mlp_describe(L, index));
  return lua_tonumber(L, index);
}

/* arange(first, last, step = 1, options): the last is included; int64 when all are whole. */
static int core_arange(lua_State *L) {
  int given = 0;
  while (given < 3 && lua_type(L, given + 1) == LUA_TNUMBER) given++;
  double first = given >= 2 ? check_number(L, 1, "arange", "first") : 1;
  double last = check_number(L, given >= 2 ? 2 : 1, "arange", "last");
  double step = given >= 3 ? lua_tonumber(L, 3) : 1;
  bool whole = true;
  for (int i = 1; i <= given; i++) whole = whole && lua_isinteger(L, i);
  if (step == 0 || isnan(first + last + step))
    return mlp_raise(L, "arange: no step of %g leads from %g to %g", step, first, last);
  double count = floor((last - first) / step * (1 + 1e-15) + 1e-9) + 1;
  if (count > 9e15) return mlp_raise(L, "arange: more than 9e15 elements are wanted");
  mlp_shape shape = {1, {count > 0 ? (int64_t)count : 0}};
  creation o = read_creation(L, given + 1, whole ? MLP_I64 : MLP_F32, "arange");
  fill_steps(push_new(L, o, &shape, "arange"), first, step);
  return 1;
}

/* linspace(first, last, count, options): both ends included. */
static int core_linspace(lua_State *L) {
  double first = check_number(L, 1, "linspace", "first");
  double last = check_number(L, 2, "linspace", "last");
  double count = check_number(L, 3, "linspace", "count");
  if (!(count >= 1) || count != floor(count))
    return mlp_raise(L, "linspace: count is %s but a whole number from 1 is wanted",
                     mlp_describe(L, 3));
  if (count > 9e15) return mlp_raise(L, "linspace: more than 9e15 elements are wanted");
  mlp_shape shape = {1, {(int64_t)count}};
  mlp_tensor *t = push_new(L, read_creation(L, 4, MLP_F32, "linspace"), &shape, "linspace");
  fill_steps(t, first, count > 1 ? (last - first) / (count - 1) : 0);
  if (count > 1 && t->dtype == MLP_F32)
    ((float *)mlp_tensor_data(t))[shape.dim[0] - 1] = (float)last;
  if (count > 1 && t->dtype == MLP_F64) ((double *)mlp_tensor_data(t))[shape.dim[0] - 1] = last;
  return 1;
}

/* eye(n, options) */
static int core_eye(lua_State *L) {
  double n = check_number(L, 1, "eye", "size");
  if (!(n >= 0) || n != floor(n) || n > 1e7)
    return mlp_raise(L, "eye: size is %s but a whole number from 0 is wanted", mlp_describe(L, 1));
  mlp_shape shape = {2, {(int64_t)n, (int64_t)n}};
  mlp_tensor *t = push_new(L, read_creation(L, 2, MLP_F32, "eye"), &shape, "eye");
  memset(mlp_tensor_data(t), 0, t->storage->bytes);
  lua_pushinteger(L, 1);
  for (int64_t i = 0; i < shape.dim[0]; i++)
    mlp_write_element(L, t, i * (shape.dim[0] + 1), lua_gettop(L), "eye");
  lua_pop(L, 1);
  return 1;
}

/* ---- to Lua ---------------------------------------------------------------------------------- */

static void push_branch(lua_State *L, const mlp_tensor *t, int depth, int64_t offset) {
  if (depth == t->shape.ndim) {
    mlp_push_element(L, t, offset);
    return;
  }
  int64_t n = t->shape.dim[depth];
  lua_createtable(L, (int)(n < 1 << 24 ? n : 1 << 24), 0);
  for (int64_t i = 0; i < n; i++) {
    push_branch(L, t, depth + 1, offset + i * t->stride[depth]);
    lua_rawseti(L, -2, i + 1);
  }
}

/* totable() -> nested tables; a number for a tensor without axes. */
static int tensor_totable(lua_State *L) {
  mlp_forbid(L, "totable", "gives numbers to Lua");
  mlp_tensor *t = mlp_check_tensor(L, 1, "totable", "the first argument");
  luaL_checkstack(L, MLP_MAX_DIMS + 4, "totable");
  push_branch(L, t, 0, t->offset);
  return 1;
}

/* item() -> the number in a tensor of one element. */
static int tensor_item(lua_State *L) {
  char text[MLP_SHAPE_TEXT];
  mlp_forbid(L, "item", "gives a number to Lua");
  mlp_tensor *t = mlp_check_tensor(L, 1, "item", "the first argument");
  if (mlp_tensor_count(t) != 1)
    return mlp_raise(L, "item: the tensor is %s but one element is wanted",
                     mlp_shape_text(text, &t->shape));
  mlp_push_element(L, t, t->offset);
  return 1;
}

void mlp_open_create(lua_State *L, int methods) {
  static const luaL_Reg functions[] = {{"tensor", core_tensor}, {"zeros", core_zeros},
                                       {"ones", core_ones},     {"full", core_full},
                                       {"arange", core_arange}, {"linspace", core_linspace},
                                       {"eye", core_eye},       {NULL, NULL}};
  static const luaL_Reg of_tensors[] = {
      {"totable", tensor_totable}, {"item", tensor_item}, {NULL, NULL}};
  mlp_register(L, functions);
  lua_pushvalue(L, methods);
  mlp_register(L, of_tensors);
  lua_pop(L, 1);
}
