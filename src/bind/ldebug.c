/*
** For spec/ and bench/ only: choose an instruction set, make an allocation fail, look at counters.
*/
#include <string.h>

#include "base/pool.h"
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

/* peak(rounds) -> floating-point operations done, by the instruction set in use */
static int debug_peak(lua_State *L) {
  double flops;
  float end = mlp_kernel()->peak.chains(luaL_checkinteger(L, 1), &flops);
  lua_pushnumber(L, end == 0 ? 0 : flops); /* the end is never 0: it keeps the chains alive */
  return 1;
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

/* philox(seed, serial, block) -> its four words */
static int debug_philox(lua_State *L) {
  uint32_t word[4];
  mlp_philox(word, (uint64_t)luaL_checkinteger(L, 1), (uint64_t)luaL_checkinteger(L, 2),
             (uint64_t)luaL_checkinteger(L, 3));
  for (int i = 0; i < 4; i++) lua_pushinteger(L, word[i]);
  return 4;
}

/* draw(what, dtype, seed, serial, start, n, a, b) -> list: elements start + 1 .. start + n of a
** draw; what is "uniform" or "normal" with its two parameters, or "words" */
static int debug_draw(lua_State *L) {
  static const char *const kinds[] = {"words", "uniform", "normal", NULL};
  int kind = luaL_checkoption(L, 1, NULL, kinds), dtype = (int)mlp_check_dtype(L, 2, "draw");
  mlp_draw d = {(uint64_t)luaL_checkinteger(L, 3), (uint64_t)luaL_checkinteger(L, 4),
                luaL_checkinteger(L, 5)};
  lua_Integer n = luaL_checkinteger(L, 6);
  const mlp_draw_kernels *draw = &mlp_kernel()->draw;
  luaL_argcheck(L, dtype <= MLP_F64 && n >= 0 && n < 1 << 24, 6, "too many, or no float dtype");
  void *data = lua_newuserdatauv(L, (size_t)n * sizeof(double) + 1, 0);
  if (kind == 0)
    draw->words(data, d, n);
  else
    (kind == 1 ? draw->uniform : draw->normal)[dtype](data, luaL_checknumber(L, 7),
                                                      luaL_checknumber(L, 8), d, n);
  lua_createtable(L, (int)n, 0);
  for (lua_Integer i = 0; i < n; i++) {
    if (kind == 0)
      lua_pushinteger(L, ((uint32_t *)data)[i]);
    else
      lua_pushnumber(L, dtype == MLP_F32 ? (double)((float *)data)[i] : ((double *)data)[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* threads(n): at most so many run parts; 0: no limit */
static int debug_threads(lua_State *L) {
  mlp_set_threads((int)luaL_checkinteger(L, 1));
  return 0;
}

/* tile_height(n): of plans made from now on; 0: they choose */
static int debug_tile_height(lua_State *L) {
  mlp_host_of(L)->tile_height = luaL_checkinteger(L, 1);
  return 0;
}

void mlp_open_debug(lua_State *L) {
  static const luaL_Reg functions[] = {{"isa", debug_isa},
                                       {"peak", debug_peak},
                                       {"fail_after", debug_fail_after},
                                       {"threads", debug_threads},
                                       {"tile_height", debug_tile_height},
                                       {"history", debug_history},
                                       {"philox", debug_philox},
                                       {"draw", debug_draw},
                                       {NULL, NULL}};
  lua_newtable(L);
  mlp_register(L, functions);
  lua_setfield(L, -2, "debug");
}
