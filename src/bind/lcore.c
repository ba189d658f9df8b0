/*
** luaopen_mlp_core: one table, filled by the files of this floor. What belongs to the Lua state
** (the host userdata, the metatable of tensors, the table itself) lies in the registry under the
** address of a key, so that a second require, after package.loaded was cleared, finds the same and
** old tensors stay tensors.
*/
#include "bind/bind.h"

#include "graph/node.h"

static const char host_key = 0, metatable_key = 0, core_key = 0;

void mlp_register(lua_State *L, const luaL_Reg *functions) {
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
  lua_pushvalue(L, lua_upvalueindex(MLP_UP_HOST));
  luaL_setfuncs(L, functions, MLP_SHARED_UPVALUES);
}

/* The pool goes with the state. Tensors that outlive this call (lua_close finalises in its own
** order) still find their memory: the userdata stays until they are gone. */
static int host_gc(lua_State *L) {
  mlp_host *h = lua_touserdata(L, 1);
  mlp_memory_trim(&h->context.memory);
  return 0;
}

/* Pushes the host, made when the state has none. */
static void push_host(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &host_key) == LUA_TUSERDATA) return;
  lua_pop(L, 1);
  mlp_host *h = lua_newuserdatauv(L, sizeof *h, 0);
  *h = (mlp_host){.pace = 0};
  mlp_context_init(&h->context);
  h->context.drop_node = mlp_node_drop;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, host_gc);
  lua_setfield(L, -2, "__gc"); /* metatable.__gc = host_gc */
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &host_key);
}

static void push_metatable(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 24);
  lua_pushliteral(L, MLP_TENSOR_NAME);
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}

static int open_all(lua_State *L) {
  lua_createtable(L, 0, 256); /* core */
  lua_createtable(L, 0, 256); /* methods of tensors */
  lua_insert(L, 1);
  int methods = 1;
  mlp_open_raise(L);
  mlp_open_guess(L);
  mlp_open_box(L, methods);
  mlp_open_create(L, methods);
  mlp_open_bytes(L, methods);
  mlp_open_operations(L, methods);
  mlp_open_graph(L, methods);
  mlp_open_plan(L);
  mlp_open_index(L, methods);
  mlp_open_random(L);
  mlp_open_codec(L);
  mlp_open_info(L);
  mlp_open_debug(L);
  lua_pushvalue(L, methods);
  lua_setfield(L, -2, "methods");
  return 1;
}

__attribute__((visibility("default"))) int luaopen_mlp_core(lua_State *L);

int luaopen_mlp_core(lua_State *L) {
  luaL_checkversion(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &core_key) == LUA_TTABLE) return 1;
  lua_pop(L, 1);
  push_host(L);
  push_metatable(L);
  lua_insert(L, -2); /* metatable host */
  lua_pushcclosure(L, open_all, MLP_SHARED_UPVALUES);
  lua_call(L, 0, 1);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &core_key);
  return 1;
}
