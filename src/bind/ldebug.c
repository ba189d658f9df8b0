/*
** For spec/ and bench/ only: choose an instruction set, make an allocation fail, look at counters.
*/
#include <string.h>

#include "bind/bind.h"
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

void mlp_open_debug(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"isa", debug_isa}, {"fail_after", debug_fail_after}, {NULL, NULL}};
  lua_newtable(L);
  mlp_register(L, functions);
  lua_setfield(L, -2, "debug");
}
