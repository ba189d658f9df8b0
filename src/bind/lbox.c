/*
** The box: a tensor as Lua holds it. Closing is idempotent and never raises.
*/
#include "bind/bind.h"

/* Counts the scopes that hold for this thread. */
static void find_mode(lua_State *L, mlp_host *h) {
  int64_t depth = h->no_grad_depth;
  for (const mlp_scope *s = h->coroutine_scopes; s; s = s->next) depth += s->coroutine == L;
  h->context.no_grad_depth = depth;
}

void mlp_enter(lua_State *L) {
  mlp_host *h = mlp_host_of(L);
  find_mode(L, h);
  mlp_credit(L);
}

mlp_box *mlp_push_box(lua_State *L) {
  mlp_box *box = lua_newuserdatauv(L, sizeof *box, 0);
  box->tensor = NULL;
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
  lua_setmetatable(L, -2);
  return box;
}

static mlp_box *to_box(lua_State *L, int index) {
  mlp_box *box = lua_touserdata(L, index);
  if (!box || !lua_getmetatable(L, index)) return NULL;
  bool is = lua_rawequal(L, -1, lua_upvalueindex(MLP_UP_METATABLE));
  lua_pop(L, 1);
  return is ? box : NULL;
}

mlp_tensor *mlp_to_tensor(lua_State *L, int index) {
  mlp_box *box = to_box(L, index);
  return box ? box->tensor : NULL;
}

mlp_tensor *mlp_check_tensor(lua_State *L, int index, const char *who, const char *what) {
  mlp_box *box = to_box(L, index);
  if (box && box->tensor) return box->tensor;
  if (box) mlp_raise(L, "%s: %s is closed", who, what);
  mlp_raise(L, "%s: %s is %s but a tensor is wanted", who, what, mlp_describe(L, index));
  return NULL;
}

mlp_status mlp_push_results(lua_State *L, mlp_call *c, mlp_error *e) {
  mlp_box *box[MLP_MAX_OUTPUTS];
  for (int i = 0; i < c->row->n_out; i++) box[i] = mlp_push_box(L);
  MLP_TRY(mlp_apply(c, e));
  for (int i = 0; i < c->row->n_out; i++) box[i]->tensor = c->out[i];
  return MLP_OK;
}

int mlp_push_call(lua_State *L, mlp_call *c) {
  mlp_error e;
  luaL_checkstack(L, MLP_MAX_OUTPUTS + 4, "results");
  if (mlp_push_results(L, c, &e) != MLP_OK) return mlp_raise_error(L, &e);
  return c->row->n_out;
}

static int box_close(lua_State *L) {
  mlp_box *box = to_box(L, 1);
  if (!box || !box->tensor) return 0;
  mlp_tensor *t = box->tensor;
  box->tensor = NULL;
  mlp_tensor_drop(t);
  return 0;
}

/* memory() -> {bytes, peak, pooled, tensors}; memory("reset_peak") starts the peak anew. */
static int core_memory(lua_State *L) {
  mlp_context *x = mlp_context_of(L);
  if (!lua_isnoneornil(L, 1)) x->memory.peak_bytes = x->memory.live_bytes;
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, (lua_Integer)x->memory.live_bytes);
  lua_setfield(L, -2, "bytes");
  lua_pushinteger(L, (lua_Integer)x->memory.peak_bytes);
  lua_setfield(L, -2, "peak");
  lua_pushinteger(L, (lua_Integer)x->memory.pooled_bytes);
  lua_setfield(L, -2, "pooled");
  lua_pushinteger(L, (lua_Integer)x->live_tensors);
  lua_setfield(L, -2, "tensors");
  return 1;
}

/* memory_limit(bytes or nil) -> the limit before, nil when there was none: what would bring the
** bytes of tensors above it is out of memory */
static int core_memory_limit(lua_State *L) {
  size_t *limit = &mlp_context_of(L)->memory.limit_bytes, before = *limit;
  *limit = lua_isnoneornil(L, 1) ? SIZE_MAX : (size_t)luaL_checkinteger(L, 1);
  if (before == SIZE_MAX) return lua_pushnil(L), 1;
  lua_pushinteger(L, (lua_Integer)before);
  return 1;
}

/* set_metamethod(event, function): what the Lua floor adds to tensors, such as printing */
static int core_set_metamethod(lua_State *L) {
  lua_settop(L, 2);
  lua_rawset(L, lua_upvalueindex(MLP_UP_METATABLE));
  return 0;
}

void mlp_open_box(lua_State *L, int methods) {
  static const luaL_Reg close[] = {{"close", box_close}, {NULL, NULL}};
  static const luaL_Reg functions[] = {{"memory", core_memory},
                                       {"memory_limit", core_memory_limit},
                                       {"set_metamethod", core_set_metamethod},
                                       {NULL, NULL}};
  static const luaL_Reg metamethods[] = {{"__gc", box_close}, {"__close", box_close}, {NULL, NULL}};
  mlp_register(L, functions);
  lua_pushvalue(L, methods);
  mlp_register(L, close);
  lua_pop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
  mlp_register(L, metamethods);
  lua_pop(L, 1);
}
