/*
** Gradients in Lua: backward, grad, detach, requires_grad_, and the depth of no_grad scopes. A
** scope is a userdata that closes once, by <close>, by :close() or by the collector: a mode never
** leaks.
*/
#include "bind/bind.h"
#include "graph/tape.h"

/* ---- walks ----------------------------------------------------------------------------------- */

static bool flag_option(lua_State *L, int index, const char *name, bool fallback) {
  if (!lua_istable(L, index) || !mlp_option(L, index, name)) return fallback;
  bool flag = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return flag;
}

/* backward(y, gradient = nil, {retain_graph = false}) */
static int core_backward(lua_State *L) {
  static const char *const known[] = {"retain_graph", NULL};
  mlp_error e;
  mlp_enter(L);
  bool seeded = mlp_to_tensor(L, 2) != NULL;
  if (!seeded && lua_istable(L, 2)) lua_insert(L, 2), lua_settop(L, 3);
  int options = lua_istable(L, 2) ? 2 : 3;
  mlp_check_options(L, options, "backward", known);
  mlp_walk walk = {.root = mlp_check_tensor(L, 1, "backward", "the value"),
                   .seed = seeded ? mlp_to_tensor(L, 2) : NULL,
                   .retain_graph = flag_option(L, options, "retain_graph", false)};
  if (mlp_backward(mlp_context_of(L), &walk, NULL, &e) != MLP_OK) return mlp_raise_error(L, &e);
  return 0;
}

/* The targets at index 2 as an array that the collector owns; it also anchors each of them. */
static mlp_tensor **read_targets(lua_State *L, int n) {
  mlp_tensor **target = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *target, 0);
  for (int i = 0; i < n; i++) {
    lua_rawgeti(L, 2, i + 1);
    target[i] = mlp_to_tensor(L, -1);
    if (!target[i])
      mlp_raise(L, "grad: target %d is %s but a tensor is wanted", i + 1, mlp_describe(L, -1));
    if (!mlp_tensor_traced(target[i]))
      mlp_raise(L, "grad: target %d does not require a gradient (x:requires_grad_() asks for one)",
                i + 1);
    lua_pop(L, 1);
  }
  return target;
}

/* grad(y, {x, ...}, {gradient=, create_graph=, retain_graph=}) -> one gradient per x, nil where y
** does not depend on it */
static int core_grad(lua_State *L) {
  static const char *const known[] = {"create_graph", "retain_graph", "gradient", NULL};
  mlp_error e;
  mlp_enter(L);
  lua_settop(L, 3);
  mlp_tensor *root = mlp_check_tensor(L, 1, "grad", "the value");
  if (!lua_istable(L, 2))
    return mlp_raise(L, "grad: targets are %s but a table of tensors is wanted: grad(y, {x})",
                     mlp_describe(L, 2));
  mlp_check_options(L, 3, "grad", known);
  int n = (int)lua_rawlen(L, 2);
  luaL_checkstack(L, n + 8, "grad");
  mlp_walk walk = {.root = root, .n_target = n, .target = read_targets(L, n)};
  walk.create_graph = flag_option(L, 3, "create_graph", false);
  walk.retain_graph = flag_option(L, 3, "retain_graph", walk.create_graph);
  if (lua_istable(L, 3) && mlp_option(L, 3, "gradient"))
    walk.seed = mlp_check_tensor(L, -1, "grad", "the gradient");
  mlp_tensor **grad = lua_newuserdatauv(L, ((size_t)n + 1) * sizeof *grad, 0);
  int first = lua_gettop(L) + 1;
  for (int i = 0; i < n; i++) mlp_push_box(L);
  if (mlp_backward(mlp_context_of(L), &walk, grad, &e) != MLP_OK) return mlp_raise_error(L, &e);
  for (int i = 0; i < n; i++) {
    if (grad[i]) {
      ((mlp_box *)lua_touserdata(L, first + i))->tensor = grad[i];
    } else {
      lua_pushnil(L);
      lua_replace(L, first + i);
    }
  }
  return n;
}

/* ---- leaves ---------------------------------------------------------------------------------- */

/* detach() -> the same numbers without history */
static int tensor_detach(lua_State *L) {
  mlp_error e;
  mlp_enter(L);
  mlp_tensor *t = mlp_check_tensor(L, 1, "detach", "the tensor");
  mlp_box *box = mlp_push_box(L);
  box->tensor = mlp_tensor_alias(t);
  if (box->tensor) return 1;
  mlp_no_memory(&e, sizeof *t);
  return mlp_raise_error(L, &e);
}

/* requires_grad_(flag = true) -> self */
static int tensor_requires_grad_(lua_State *L) {
  mlp_tensor *t = mlp_check_tensor(L, 1, "requires_grad_", "the tensor");
  if (!lua_isnoneornil(L, 2) && !lua_isboolean(L, 2))
    return mlp_raise(L, "requires_grad_: the flag is %s but true or false is wanted",
                     mlp_describe(L, 2));
  bool flag = lua_isnoneornil(L, 2) || lua_toboolean(L, 2);
  if (flag && !mlp_is_float(t->dtype))
    return mlp_raise(L, "requires_grad_: only floats carry gradients, but the tensor is %s",
                     mlp_dtype_name(t->dtype));
  if (t->node && !flag)
    return mlp_raise(L, "requires_grad_: the tensor has a history; x:detach() drops it");
  if (!t->node) t->requires_grad = flag;
  lua_settop(L, 1);
  return 1;
}

/* ---- modes ----------------------------------------------------------------------------------- */

/* The metatable of scopes is an upvalue: `scope.close()` with a dot, or with another value, is
** refused. */
static int scope_close(lua_State *L) {
  mlp_host *h = mlp_host_of(L);
  if (!lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(MLP_UP_OWN)))
    return mlp_raise(L, "no_grad: close takes the scope: scope:close()");
  mlp_scope *s = lua_touserdata(L, 1);
  if (!s->open) return 0;
  s->open = false;
  if (!s->coroutine) {
    h->no_grad_depth--;
    return 0;
  }
  mlp_scope **place = &h->coroutine_scopes;
  while (*place != s) place = &(*place)->next;
  *place = s->next;
  return 0;
}

/* no_grad_scope() -> a value to close; scopes may close in any order */
static int core_no_grad_scope(lua_State *L) {
  mlp_host *h = mlp_host_of(L);
  mlp_scope *s = lua_newuserdatauv(L, sizeof *s, 1);
  *s = (mlp_scope){.open = false, .coroutine = lua_pushthread(L) ? NULL : L};
  lua_setiuservalue(L, -2, 1); /* no new coroutine at its address while the scope is open */
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_OWN));
  lua_setmetatable(L, -2);
  s->open = true;
  if (s->coroutine) {
    s->next = h->coroutine_scopes;
    h->coroutine_scopes = s;
  } else {
    h->no_grad_depth++;
  }
  return 1;
}

static int core_grad_enabled(lua_State *L) {
  mlp_enter(L);
  lua_pushboolean(L, mlp_context_of(L)->no_grad_depth == 0);
  return 1;
}

static void open_scopes(lua_State *L) {
  static const char *const events[] = {"__gc", "__close", "close"};
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_HOST));
  lua_createtable(L, 0, 5);
  for (int i = 0; i < 3; i++) {
    lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
    lua_pushvalue(L, lua_upvalueindex(MLP_UP_HOST));
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, scope_close, MLP_UP_OWN);
    lua_setfield(L, -2, events[i]);
  }
  lua_pushliteral(L, "mlp.no_grad");
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pushcclosure(L, core_no_grad_scope, MLP_UP_OWN);
  lua_setfield(L, -2, "no_grad_scope");
}

void mlp_open_graph(lua_State *L, int methods) {
  static const luaL_Reg functions[] = {{"backward", core_backward},
                                       {"grad", core_grad},
                                       {"grad_enabled", core_grad_enabled},
                                       {NULL, NULL}};
  static const luaL_Reg of_tensors[] = {{"backward", core_backward},
                                        {"detach", tensor_detach},
                                        {"requires_grad_", tensor_requires_grad_},
                                        {NULL, NULL}};
  mlp_register(L, functions);
  open_scopes(L);
  lua_pushvalue(L, methods);
  mlp_register(L, of_tensors);
  lua_pop(L, 1);
}
