/*
** A C program that hosts Lua and asks a saved network: embed MODEL 0.1 0.2 ... prints what it
** predicts. The host links liblua; the rock finds the host's Lua when it is loaded and is never
** linked itself.
**   cc examples/embed.c -o embed $(pkg-config --cflags --libs lua5.4) -Wl,-E
*/
#include <stdio.h>
#include <stdlib.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

static const char script[] =
    "local mlp = require 'mlp'\n"
    "local model = assert(mlp.load(...))\n"
    "return function(...)\n"
    "  return mlp.no_grad(function(x) return model(x) end, mlp.tensor{{...}})[1]:totable()\n"
    "end\n";

/* Leaves a function from numbers to a table of numbers on the stack. */
static int load_model(lua_State *L, const char *path) {
  luaL_openlibs(L);
  if (luaL_loadstring(L, script) != LUA_OK) return 0;
  lua_pushstring(L, path);
  return lua_pcall(L, 1, 1, 0) == LUA_OK;
}

static int predict(lua_State *L, int n, char **numbers) {
  for (int i = 0; i < n; i++) lua_pushnumber(L, atof(numbers[i]));
  return lua_pcall(L, n, 1, 0) == LUA_OK;
}

int main(int argc, char **argv) {
  lua_State *L = luaL_newstate();
  if (argc < 3 || !L) return fprintf(stderr, "usage: embed MODEL NUMBER...\n"), 2;
  int ok = load_model(L, argv[1]) && predict(L, argc - 2, argv + 2);
  if (!ok) fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));
  for (lua_Integer i = 1; ok && i <= luaL_len(L, -1); i++) {
    lua_geti(L, -1, i);
    printf("%.6f\n", lua_tonumber(L, -1));
    lua_pop(L, 1);
  }
  lua_close(L);
  return ok ? 0 : 1;
}
