/*
** x[...]: reading gives views, recorded like any operation; writing assigns into a view.
**   x[i]            along the first axis, -1 is the last; x[#x + 1] reads nil so that ipairs ends
**   x[{i, {a, b}, {}}]  an axis at a time: one position, a range with both ends (and a step), all
**   x[mask]         elements where a uint8 mask of x's shape is not 0
**   x[positions]    rows, by an int64 tensor
** Strings are properties and methods.
*/
#include <string.h>

#include "bind/bind.h"
#include "graph/recording.h"

extern const mlp_row mlp_row_select, mlp_row_slice, mlp_row_masked_select, mlp_row_index_select;
extern const mlp_row mlp_row_copy_, mlp_row_masked_assign;

enum { UP_METHODS = MLP_UP_OWN };

/* ---- views ----------------------------------------------------------------------------------- */

/* Runs a row on the tensor at `index` and values; replaces it by the result. */
static void step_view(lua_State *L, int index, const mlp_row *row, const mlp_value *value, int n) {
  mlp_tensor *t = mlp_to_tensor(L, index);
  mlp_call c;
  mlp_call_init(&c, mlp_context_of(L), row, 1, &t);
  memcpy(c.value, value, (size_t)n * sizeof *value);
  mlp_push_call(L, &c);
  lua_replace(L, index);
}

static int64_t position(lua_State *L, int index, int64_t length, int axis) {
  int whole;
  lua_Integer i = lua_tointegerx(L, index, &whole);
  if (!whole) mlp_raise(L, "index: %s is not a position", mlp_describe(L, index));
  if (i == 0) mlp_raise(L, "index: position 0 of axis %d, but positions count from 1", axis);
  if (i > length || i < -length)
    mlp_raise(L, "index: position %lld of axis %d, which has %lld", (long long)i, axis,
              (long long)length);
  return i > 0 ? i - 1 : i + length;
}

/* The step of the range at `range`, 1 when there is none. */
static int64_t range_step(lua_State *L, int range) {
  int whole = 1;
  int64_t step = lua_rawgeti(L, range, 3) == LUA_TNIL ? 1 : lua_tointegerx(L, -1, &whole);
  if (!whole)
    mlp_raise(L, "index: the step is %s but a whole number is wanted", mlp_describe(L, -1));
  lua_pop(L, 1);
  return step;
}

/* The range at the top of the stack ({}, {a, b} or {a, b, step}) along `axis` of the tensor at
** `at`, an axis that the caller knows as number `named`. */
static void view_range(lua_State *L, int at, int axis, int named) {
  int range = lua_gettop(L);
  lua_Unsigned n = lua_rawlen(L, range);
  if (n == 0) return;
  if (n == 1 || n > 3)
    mlp_raise(L, "index: the range of axis %d is a table of %d; {first, last} is wanted", named,
              (int)n);
  int64_t length = mlp_to_tensor(L, at)->shape.dim[axis], end[2] = {0, 0};
  for (int k = 0; k < 2; k++) {
    lua_rawgeti(L, range, k + 1);
    bool nothing = k == 1 && lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) == 0;
    if (!nothing) end[k] = position(L, lua_gettop(L), length, named) + 1; /* {1, 0} is empty */
    lua_pop(L, 1);
  }
  mlp_value value[4] = {{.integer = axis},
                        {.integer = end[0]},
                        {.integer = end[1]},
                        {.integer = range_step(L, range)}};
  step_view(L, at, &mlp_row_slice, value, 4);
}

static void view_position(lua_State *L, int at, int axis, int64_t place) {
  mlp_value value[2] = {{.integer = axis}, {.integer = place}};
  step_view(L, at, &mlp_row_select, value, 2);
}

/* Turns the tensor at `at` into the view that the table at `spec` describes. */
static void view_table(lua_State *L, int at, int spec) {
  int axis = 0, ndim = mlp_to_tensor(L, at)->shape.ndim;
  lua_Unsigned n = lua_rawlen(L, spec);
  if ((int64_t)n > ndim)
    mlp_raise(L, "index: %d axes are named, but the tensor has %d", (int)n, ndim);
  for (lua_Unsigned i = 1; i <= n; i++) {
    lua_rawgeti(L, spec, (lua_Integer)i);
    if (lua_istable(L, -1)) {
      view_range(L, at, axis++, (int)i);
    } else {
      int64_t length = mlp_to_tensor(L, at)->shape.dim[axis];
      view_position(L, at, axis, position(L, lua_gettop(L), length, (int)i));
    }
    lua_pop(L, 1);
  }
}

static void want_axis(lua_State *L, const mlp_tensor *t) {
  if (t->shape.ndim == 0) mlp_raise(L, "index: a tensor without axes holds one number: x:item()");
}

/* ---- reading --------------------------------------------------------------------------------- */

static int read_position(lua_State *L) {
  mlp_tensor *t = mlp_to_tensor(L, 1);
  want_axis(L, t);
  if (lua_tointeger(L, 2) == t->shape.dim[0] + 1) return lua_pushnil(L), 1;
  int64_t place = position(L, 2, t->shape.dim[0], 1);
  lua_settop(L, 1);
  view_position(L, 1, 0, place);
  return 1;
}

static int read_tensor_index(lua_State *L) {
  mlp_tensor *pair[2] = {mlp_to_tensor(L, 1), mlp_to_tensor(L, 2)};
  bool mask = pair[1]->dtype == MLP_U8;
  mlp_call c;
  mlp_call_init(&c, mlp_context_of(L), mask ? &mlp_row_masked_select : &mlp_row_index_select, 2,
                pair);
  c.value[0].integer = 0;
  return mlp_push_call(L, &c);
}

static void push_shape(lua_State *L, const mlp_tensor *t) {
  lua_createtable(L, t->shape.ndim, 0);
  for (int i = 0; i < t->shape.ndim; i++) {
    lua_pushinteger(L, t->shape.dim[i]);
    lua_rawseti(L, -2, i + 1);
  }
}

static int push_grad(lua_State *L, mlp_tensor *t) {
  mlp_recording *r = t->context->recording;
  mlp_error e;
  if (r && mlp_recording_read_grad(r, t, &e) != MLP_OK) return mlp_raise_error(L, &e);
  if (!t->grad) return lua_pushnil(L), 1;
  mlp_box *box = mlp_push_box(L);
  box->tensor = mlp_tensor_share(t->grad);
  return 1;
}

/* What other libraries call something that is here under another name. */
static const char *name_here(const char *key) {
  static const char *const names[][2] = {{"view", "reshape"},
                                         {"resize", "reshape"},
                                         {"dim", "ndim"},
                                         {"nDimension", "ndim"},
                                         {"nElement", "numel"},
                                         {"narrow", "slice"},
                                         {"T", "t"},
                                         {"type", "dtype"},
                                         {"float", "to"},
                                         {"double", "to"},
                                         {"long", "to"},
                                         {"tolist", "totable"},
                                         {"cmul", "mul"},
                                         {"cdiv", "div"},
                                         {"csub", "sub"},
                                         {"mm", "matmul"},
                                         {"mv", "matmul"},
                                         {"bmm", "matmul"},
                                         {"dot", "matmul"},
                                         {"addmm", "linear"},
                                         {"concat", "cat"},
                                         {"copy", "copy_"},
                                         {"fill", "copy_"},
                                         {"fill_", "copy_"},
                                         {"zero", "copy_"},
                                         {"zero_", "copy_"},
                                         {"clip", "clamp"},
                                         {"log_sum_exp", "logsumexp"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strcmp(names[i][0], key) == 0) return names[i][1];
  }
  return NULL;
}

/* The nearest name among the methods and fields; a third of the letters may be wrong. Lent. */
static const char *nearest_name(lua_State *L, const char *key) {
  static const char *const fields[] = {"shape", "dtype",         "ndim",
                                       "grad",  "requires_grad", "is_leaf"};
  const char *found = NULL;
  int best = (int)strlen(key) / 3 + 1;
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    int d = mlp_word_distance(key, fields[i]);
    if (d < best) best = d, found = fields[i];
  }
  lua_pushnil(L);
  while (lua_next(L, lua_upvalueindex(UP_METHODS))) {
    lua_pop(L, 1);
    const char *name = lua_tostring(L, -1);
    int d = mlp_word_distance(key, name);
    if (d < best || (d == best && found && strcmp(name, found) < 0)) best = d, found = name;
  }
  return found;
}

static int raise_unknown_field(lua_State *L, const char *key) {
  const char *name = name_here(key);
  if (name) return mlp_raise(L, "a tensor has no '%s'; its name here is '%s'", key, name);
  name = nearest_name(L, key);
  if (!name) return mlp_raise(L, "a tensor has no field or method '%s'", key);
  return mlp_raise(L, "a tensor has no field or method '%s' (did you mean '%s'?)", key, name);
}

static int read_property(lua_State *L, mlp_tensor *t, const char *key) {
  if (strcmp(key, "shape") == 0) return push_shape(L, t), 1;
  if (strcmp(key, "dtype") == 0) return lua_pushstring(L, mlp_dtype_name(t->dtype)), 1;
  if (strcmp(key, "ndim") == 0) return lua_pushinteger(L, t->shape.ndim), 1;
  if (strcmp(key, "grad") == 0) return push_grad(L, t);
  if (strcmp(key, "requires_grad") == 0) return lua_pushboolean(L, mlp_tensor_traced(t)), 1;
  if (strcmp(key, "is_leaf") == 0) return lua_pushboolean(L, t->node == NULL), 1;
  if (strcmp(key, "version") == 0) return lua_pushinteger(L, (lua_Integer)t->storage->version), 1;
  return raise_unknown_field(L, key);
}

static int tensor_index(lua_State *L) {
  int kind = lua_type(L, 2);
  if (kind == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(UP_METHODS)) != LUA_TNIL) return 1;
    return read_property(L, mlp_check_tensor(L, 1, "index", "the tensor"), lua_tostring(L, 2));
  }
  mlp_enter(L);
  mlp_check_tensor(L, 1, "index", "the tensor");
  if (kind == LUA_TNUMBER) return read_position(L);
  if (mlp_to_tensor(L, 2)) return read_tensor_index(L);
  if (kind != LUA_TTABLE)
    return mlp_raise(L, "index: %s is no index; a position, a table or a tensor is wanted",
                     mlp_describe(L, 2));
  lua_pushvalue(L, 1);
  view_table(L, 3, 2);
  return 1;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The value at 3 as a tensor of t's dtype; pushed when it had to be made. */
static mlp_tensor *value_tensor(lua_State *L, const mlp_tensor *t) {
  mlp_tensor *v = mlp_to_tensor(L, 3);
  if (v) return v;
  if (lua_istable(L, 3) || lua_isnumber(L, 3) || lua_isboolean(L, 3))
    return mlp_push_from_lua(L, 3, t->dtype, "index");
  return mlp_check_tensor(L, 3, "index", "the value");
}

static void write_through(lua_State *L, const mlp_row *row, int n_in, mlp_tensor **in) {
  mlp_call c;
  mlp_call_init(&c, mlp_context_of(L), row, n_in, in);
  c.in_place = true;
  mlp_push_call(L, &c);
}

static int write_mask(lua_State *L) {
  mlp_tensor *in[3] = {mlp_to_tensor(L, 1), mlp_to_tensor(L, 2), NULL};
  if (in[1]->dtype != MLP_U8)
    return mlp_raise(L,
                     "index: writing by positions is x:scatter or x:index_add; a uint8 mask is "
                     "wanted in x[mask] = v");
  in[2] = value_tensor(L, in[0]);
  write_through(L, &mlp_row_masked_assign, 3, in);
  return 0;
}

static int set_property(lua_State *L) {
  const char *key = lua_tostring(L, 2);
  mlp_tensor *t = mlp_check_tensor(L, 1, "index", "the tensor");
  if (strcmp(key, "requires_grad") == 0)
    return mlp_raise(L,
                     "a tensor's requires_grad is set by x:requires_grad_() or "
                     "x:requires_grad_(false)");
  if (strcmp(key, "grad") != 0 || !lua_isnil(L, 3))
    return mlp_raise(L, "a tensor has no field '%s' to set (x.grad = nil clears a gradient)", key);
  mlp_recording *r = t->context->recording;
  mlp_error e;
  if (r && mlp_recording_write_grad(r, t, &e) != MLP_OK) return mlp_raise_error(L, &e);
  mlp_tensor_drop(t->grad);
  t->grad = NULL;
  return 0;
}

static int tensor_newindex(lua_State *L) {
  if (lua_type(L, 2) == LUA_TSTRING) return set_property(L);
  mlp_enter(L);
  mlp_tensor *t = mlp_check_tensor(L, 1, "index", "the tensor");
  if (mlp_to_tensor(L, 2)) return write_mask(L);
  lua_pushvalue(L, 1); /* 4: becomes the view */
  if (lua_istable(L, 2)) {
    view_table(L, 4, 2);
  } else {
    want_axis(L, t);
    view_position(L, 4, 0, position(L, 2, t->shape.dim[0], 1));
  }
  mlp_tensor *pair[2] = {mlp_to_tensor(L, 4), value_tensor(L, t)};
  write_through(L, &mlp_row_copy_, 2, pair);
  return 0;
}

/* ---- single elements ------------------------------------------------------------------------- */

/* The offset of the element whose positions stand from index 2 on. */
static int64_t element_offset(lua_State *L, const mlp_tensor *t, int n, const char *who) {
  char text[MLP_SHAPE_TEXT];
  if (n != t->shape.ndim)
    mlp_raise(L, "%s: %d positions were given but the tensor is %s", who, n,
              mlp_shape_text(text, &t->shape));
  int64_t offset = t->offset;
  for (int i = 0; i < n; i++) offset += position(L, i + 2, t->shape.dim[i], i + 1) * t->stride[i];
  return offset;
}

/* get(i, j, ...) -> number */
static int tensor_get(lua_State *L) {
  mlp_forbid(L, "get", "gives a number to Lua");
  mlp_tensor *t = mlp_check_tensor(L, 1, "get", "the tensor");
  mlp_push_element(L, t, element_offset(L, t, lua_gettop(L) - 1, "get"));
  return 1;
}

static void want_writable(lua_State *L, const mlp_tensor *t) {
  if (t->context->no_grad_depth == 0 && mlp_tensor_traced(t))
    mlp_raise(L, "set: the tensor requires a gradient; write inside mlp.no_grad, or to x:detach()");
}

/* put(x, i, j, ..., number): set, also while a function is being compiled; for numbers that the
** library sees to before every replay */
static int core_put(lua_State *L) {
  mlp_enter(L); /* finds out whether a no_grad scope is open */
  mlp_tensor *t = mlp_check_tensor(L, 1, "set", "the tensor");
  want_writable(L, t);
  int top = lua_gettop(L);
  mlp_write_element(L, t, element_offset(L, t, top - 2, "set"), top, "set");
  mlp_tensor_changed(t, "set");
  return 0;
}

/* set(i, j, ..., number) */
static int tensor_set(lua_State *L) {
  mlp_forbid(L, "set", "writes a number from Lua");
  return core_put(L);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static int tensor_len(lua_State *L) {
  mlp_tensor *t = mlp_check_tensor(L, 1, "#", "the tensor");
  if (t->shape.ndim == 0) return mlp_raise(L, "#: a tensor without axes has no length");
  lua_pushinteger(L, t->shape.dim[0]);
  return 1;
}

/* size(axis) */
static int tensor_size(lua_State *L) {
  mlp_error e;
  mlp_tensor *t = mlp_check_tensor(L, 1, "size", "the tensor");
  int whole;
  lua_Integer given = lua_tointegerx(L, 2, &whole);
  int64_t axis = given > 0 ? given - 1 : given;
  if (!whole || given == 0)
    return mlp_raise(L, "size: the axis is %s but axes count from 1 (x.shape has them all)",
                     mlp_describe(L, 2));
  if (mlp_axis_resolve(&axis, t->shape.ndim, "size", &e) != MLP_OK) return mlp_raise_error(L, &e);
  lua_pushinteger(L, t->shape.dim[axis]);
  return 1;
}

static int tensor_numel(lua_State *L) {
  lua_pushinteger(L, mlp_tensor_count(mlp_check_tensor(L, 1, "numel", "the tensor")));
  return 1;
}

static int tensor_is_contiguous(lua_State *L) {
  lua_pushboolean(L, mlp_tensor_contiguous(mlp_check_tensor(L, 1, "is_contiguous", "the tensor")));
  return 1;
}

/* Identity: the same numbers at the same place under the same shape. */
static int tensor_eq(lua_State *L) {
  mlp_tensor *a = mlp_to_tensor(L, 1), *b = mlp_to_tensor(L, 2);
  bool same = a && b && a->storage == b->storage && a->offset == b->offset &&
              a->dtype == b->dtype && mlp_shape_equal(&a->shape, &b->shape) &&
              memcmp(a->stride, b->stride, (size_t)a->shape.ndim * sizeof *a->stride) == 0;
  lua_pushboolean(L, same);
  return 1;
}

static void set_with_methods(lua_State *L, int methods, const char *event, lua_CFunction f) {
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_HOST));
  lua_pushvalue(L, methods);
  lua_pushcclosure(L, f, UP_METHODS);
  lua_setfield(L, lua_upvalueindex(MLP_UP_METATABLE), event);
}

/* is_tensor(value) -> boolean; a closed tensor is none. */
static int core_is_tensor(lua_State *L) {
  lua_pushboolean(L, mlp_to_tensor(L, 1) != NULL);
  return 1;
}

void mlp_open_index(lua_State *L, int methods) {
  static const luaL_Reg functions[] = {
      {"is_tensor", core_is_tensor}, {"put", core_put}, {NULL, NULL}};
  static const luaL_Reg of_tensors[] = {{"get", tensor_get},
                                        {"set", tensor_set},
                                        {"size", tensor_size},
                                        {"numel", tensor_numel},
                                        {"is_contiguous", tensor_is_contiguous},
                                        {NULL, NULL}};
  static const luaL_Reg metamethods[] = {{"__len", tensor_len}, {"__eq", tensor_eq}, {NULL, NULL}};
  mlp_register(L, functions);
  lua_pushvalue(L, methods);
  mlp_register(L, of_tensors);
  lua_pop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
  mlp_register(L, metamethods);
  lua_pop(L, 1);
  set_with_methods(L, methods, "__index", tensor_index);
  set_with_methods(L, methods, "__newindex", tensor_newindex);
}
