/*
** For spec/ and bench/ only: choose an instruction set, make an allocation fail, look at counters.
*/
#include <string.h>

#include "bind/bind.h"
#include "graph/node.h"
#include "kernel/kernel.h"

/* isa() -> the one in use; isa(name) -> true when this machine has it, and from now on runs it */
static int debug_isa(lua_State *L) {
  if (lua_isnoneornil(L, 1)) return lua_pushstring(L, mlp_isa_name(mlp_kernel()->isa)), 1;
  const char *name = luaL_checkstring(L, 1);
  bool chosen = false;
  for (int isa = 0; isa < MLP_ISA_COUNT; isa++) {
    if (strcmp(name, mlp_isa_name((mlp_isa)isa)) == 0) chosen = mlp_kernel_choose((mlp_isa)isa);
  }
  lua_pushboolean(L, chosen);
  return 1;
}

/* fail_after(n): n more allocations succeed, later ones fail; fail_after() ends it */
static int debug_fail_after(lua_State *L) {
  mlp_context_of(L)->memory.fail_after = luaL_optinteger(L, 1, MLP_NEVER_FAIL);
  return 0;
}

/* Reads a node off the end of the list at `queue`; NULL when it is empty. */
static mlp_node *next_node(lua_State *L, int queue) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, queue);
  if (n == 0) return NULL;
  lua_rawgeti(L, queue, n);
  mlp_node *node = lua_touserdata(L, -1);
  lua_pop(L, 1);
  lua_pushnil(L);
  lua_rawseti(L, queue, n);
  return node;
}

/* Puts the node at the end of the list at `queue` unless the set at `seen` has it. */
static void queue_node(lua_State *L, int queue, int seen, mlp_node *node) {
  if (!node || lua_rawgetp(L, seen, node) == LUA_TBOOLEAN) return lua_settop(L, seen);
  lua_settop(L, seen);
  lua_pushboolean(L, true);
  lua_rawsetp(L, seen, node);
  lua_pushlightuserdata(L, node);
  lua_rawseti(L, queue, (lua_Integer)lua_rawlen(L, queue) + 1);
}

/* history(x) -> {name = true, ...}: the operations that x was made by */
static int debug_history(lua_State *L) {
  mlp_tensor *t = mlp_check_tensor(L, 1, "history", "the tensor");
  enum { NAMES = 2, QUEUE, SEEN };
  lua_settop(L, 1);
  lua_newtable(L);
  lua_newtable(L);
  lua_newtable(L);
  queue_node(L, QUEUE, SEEN, t->node);
  for (mlp_node *node = next_node(L, QUEUE); node; node = next_node(L, QUEUE)) {
    lua_pushboolean(L, true);
    lua_setfield(L, NAMES, node->call.row->name);
    for (int i = 0; i < node->call.n_in; i++) {
      if (node->call.in[i]) queue_node(L, QUEUE, SEEN, node->call.in[i]->node);
    }
  }
  lua_settop(L, NAMES);
  return 1;
}

void mlp_open_debug(lua_State *L) {
  static const luaL_Reg functions[] = {{"isa", debug_isa},
                                       {"fail_after", debug_fail_after},
                                       {"history", debug_history},
                                       {NULL, NULL}};
  lua_newtable(L);
  mlp_register(L, functions);
  lua_setfield(L, -2, "debug");
}
