/*
** What is in use: the version, the instruction set, the BLAS. Facts only; lua/mlp makes sentences.
*/
#include "bind/bind.h"
#include "kernel/blas.h"
#include "kernel/kernel.h"

static void set_string(lua_State *L, const char *name, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, name);
}

/* info() -> {isa, cpu, lua, blas = {...}} */
static int core_info(lua_State *L) {
  lua_newtable(L);
  set_string(L, "isa", mlp_isa_name(mlp_kernel()->isa));
  set_string(L, "cpu", mlp_isa_name(mlp_cpu_best()));
  set_string(L, "lua", LUA_RELEASE);
  return 1;
}

void mlp_open_info(lua_State *L) {
  static const luaL_Reg functions[] = {{"info", core_info}, {NULL, NULL}};
  mlp_register(L, functions);
}
