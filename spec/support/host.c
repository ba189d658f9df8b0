/*
** The interpreter of `make asan` and `make tsan`: `lua5.4 [-e CHUNK]... [SCRIPT [ARGUMENT]...]`,
** enough of the real one for the spec and the processes that it starts. A sanitizer's run-time
** library must be the first in the process; linked in here, it is, and the shells and tools that
** a spec starts stay free of it.
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int with_traceback(lua_State *L) {
  const char *message = luaL_tolstring(L, 1, NULL);
  luaL_traceback(L, L, message, 1);
  return 1;
}

/* Calls the chunk below `count` arguments; an error is printed, and ends the process politely. */
static void call(lua_State *L, int loaded, int count) {
  int handler = lua_gettop(L) - count;
  lua_pushcfunction(L, with_traceback);
  lua_insert(L, handler);
  if (loaded == LUA_OK) loaded = lua_pcall(L, count, 0, handler);
  if (loaded != LUA_OK) {
    fprintf(stderr, "lua: %s\n", lua_tostring(L, -1));
    lua_close(L);
    exit(EXIT_FAILURE);
  }
  lua_remove(L, handler);
}

/* arg[0] is the script, arg[1] its first argument, arg[-1] and below what stands before it. */
static void set_arg(lua_State *L, char **argv, int argc, int script) {
  lua_newtable(L);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i - script);
  }
  lua_setglobal(L, "arg");
}

int main(int argc, char **argv) {
  int script = 1;
  while (script + 1 < argc && strcmp(argv[script], "-e") == 0) script += 2;
  lua_State *L = luaL_newstate();
  luaL_openlibs(L);
  set_arg(L, argv, argc, script < argc ? script : 0);
  for (int i = 1; i < script; i += 2) call(L, luaL_loadstring(L, argv[i + 1]), 0);
  if (script < argc) {
    int loaded = luaL_loadfile(L, argv[script]);
    luaL_checkstack(L, argc, "too many arguments");
    for (int i = script + 1; i < argc && loaded == LUA_OK; i++) lua_pushstring(L, argv[i]);
    call(L, loaded, loaded == LUA_OK ? argc - script - 1 : 0);
  }
  lua_close(L);
  return EXIT_SUCCESS;
}
