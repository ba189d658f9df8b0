/*
** What is in use: the version, the instruction set, the BLAS. Facts only; lua/mlp makes sentences.
*/
#include "bind/bind.h"
#include "kernel/blas.h"
#include "kernel/kernel.h"
#include "op/unary.h"

static void set_string(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

static void set_flag(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

static void push_blas(lua_State *L) {
  mlp_blas_facts facts = mlp_blas_info();
  lua_newtable(L);
  set_string(L, "library", facts.config);
  set_string(L, "kernels", facts.kernels);
  set_string(L, "pinned", facts.pinned);
  set_flag(L, "held_below", facts.held_below);
  set_flag(L, "threads_kept", facts.threads_kept);
  lua_pushinteger(L, facts.threads);
  lua_setfield(L, -2, "threads");
}

/* info() -> {isa, cpu, lua, blas = {library, kernels, pinned, held_below, threads,
** threads_kept}} */
static int core_info(lua_State *L) {
  lua_newtable(L);
  set_string(L, "isa", mlp_isa_name(mlp_kernel()->isa));
  set_string(L, "cpu", mlp_isa_name(mlp_cpu_best()));
  set_string(L, "lua", LUA_RELEASE);
  push_blas(L);
  lua_setfield(L, -2, "blas");
  return 1;
}

/* activations() -> list of the functions that layers may take by name */
static int core_activations(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; mlp_activations[i]; i++) {
    lua_pushstring(L, mlp_activations[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void mlp_open_info(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"info", core_info}, {"activations", core_activations}, {NULL, NULL}};
  mlp_register(L, functions);
}
