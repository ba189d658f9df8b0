/*
** A mistake of the caller is raised at the caller's line: the first frame that is neither C nor a
** file of lua/mlp. When modules were running, their path stands in front: "in encoder.layers[3]: ".
** It is found by looking at the frames, so that a call that succeeds pays nothing for it.
*/
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bind/bind.h"

/* Registry keys: the prefix of our chunk names, and the function that calls modules. */
static const char prefix_key = 0, module_call_key = 0;

static bool ours(const lua_Debug *ar, const char *prefix) {
  return prefix && strncmp(ar->source, prefix, strlen(prefix)) == 0;
}

/* Pushes "file:line: " or "". */
static void push_where(lua_State *L, const char *prefix) {
  lua_Debug ar;
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    if (ar.currentline > 0 && !ours(&ar, prefix)) {
      lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
      return;
    }
  }
  lua_pushliteral(L, "");
}

/* Looks for the value at `wanted` among the fields of the table on top, plain tables included;
** pushes its name (".up", "[3]") and returns true, or pushes nothing. */
static bool find_field(lua_State *L, int wanted, int depth) {
  luaL_checkstack(L, 6, "module path");
  int table = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, table)) { /* key value */
    const char *rest = NULL;
    bool found = lua_rawequal(L, -1, wanted);
    if (!found && depth > 0 && lua_istable(L, -1) && !lua_getmetatable(L, -1))
      found = find_field(L, wanted, depth - 1), rest = found ? lua_tostring(L, -1) : NULL;
    else if (!found && lua_istable(L, -1) && lua_gettop(L) > table + 2)
      lua_pop(L, 1); /* the metatable */
    if (found) {
      int key = table + 1;
      if (lua_type(L, key) == LUA_TSTRING)
        lua_pushfstring(L, ".%s%s", lua_tostring(L, key), rest ? rest : "");
      else
        lua_pushfstring(L, "[%I]%s", lua_tointeger(L, key), rest ? rest : "");
      lua_replace(L, table + 1);
      lua_settop(L, table + 1);
      return true;
    }
    lua_settop(L, table + 1); /* key */
  }
  return false;
}

/* Pushes "in up.layers[3]: " for the modules now running, or "". */
static void push_path(lua_State *L) {
  lua_Debug ar;
  int base = lua_gettop(L);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &module_call_key) != LUA_TFUNCTION) {
    lua_pushliteral(L, "");
    lua_replace(L, base + 1);
    return;
  }
  lua_pushliteral(L, ""); /* path so far */
  for (int level = 0; lua_getstack(L, level, &ar); level++) {
    luaL_checkstack(L, 8, "module path");
    lua_getinfo(L, "f", &ar);
    bool calls_module = lua_rawequal(L, -1, base + 1);
    lua_pop(L, 1);
    if (!calls_module || !lua_getlocal(L, &ar, 1)) continue; /* parent */
    if (lua_gettop(L) > base + 3) {
      /* child at base+3, parent on top: put the child's name in front of the path */
      if (lua_istable(L, -1) && find_field(L, base + 3, 2)) {
        lua_pushvalue(L, base + 2);
        lua_concat(L, 2);
        lua_replace(L, base + 2);
      }
      lua_replace(L, base + 3);
    }
    lua_settop(L, base + 3);
  }
  const char *path = lua_tostring(L, base + 2);
  if (*path == '.') path++;
  lua_pushfstring(L, *path ? "in %s: " : "", path);
  lua_replace(L, base + 1);
  lua_settop(L, base + 1);
}

static int raise_text(lua_State *L) { /* text on top */
  int text = lua_gettop(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &prefix_key);
  push_where(L, lua_tostring(L, -1));
  push_path(L);
  lua_pushvalue(L, text);
  lua_concat(L, 3);
  return lua_error(L);
}

int mlp_raise(lua_State *L, const char *format, ...) {
  char text[MLP_ERROR_TEXT];
  va_list rest;
  va_start(rest, format);
  vsnprintf(text, sizeof text, format, rest);
  va_end(rest);
  luaL_checkstack(L, 12, "error message");
  lua_pushstring(L, text);
  return raise_text(L);
}

int mlp_raise_error(lua_State *L, const mlp_error *e) { return mlp_raise(L, "%s", e->text); }

static const char *describe_number(lua_State *L, int index) {
  return isnan(lua_tonumber(L, index)) ? lua_pushliteral(L, "NaN") : luaL_tolstring(L, index, NULL);
}

static const char *describe_userdata(lua_State *L, int index) {
  if (luaL_getmetafield(L, index, "__name") != LUA_TSTRING) return lua_pushliteral(L, "a userdata");
  if (strcmp(lua_tostring(L, -1), MLP_TENSOR_NAME) == 0)
    return lua_pushliteral(L, "a closed tensor"); /* an open one is described by its shape */
  return lua_pushfstring(L, "a %s", lua_tostring(L, -1));
}

const char *mlp_describe(lua_State *L, int index) {
  char text[MLP_SHAPE_TEXT];
  mlp_tensor *t = mlp_to_tensor(L, index);
  if (t)
    return lua_pushfstring(L, t->dtype == MLP_I64 ? "an %s tensor %s" : "a %s tensor %s",
                           mlp_dtype_name(t->dtype), mlp_shape_text(text, &t->shape));
  switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL: return lua_pushliteral(L, "nil");
    case LUA_TNUMBER: return describe_number(L, index);
    case LUA_TBOOLEAN: return luaL_tolstring(L, index, NULL);
    case LUA_TSTRING: return lua_pushfstring(L, "the string '%s'", lua_tostring(L, index));
    case LUA_TTABLE: return lua_pushliteral(L, "a table");
    case LUA_TUSERDATA: return describe_userdata(L, index);
    default: return lua_pushfstring(L, "a %s", luaL_typename(L, index));
  }
}

/* raise(text): for the Lua floors. */
static int core_raise(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  return raise_text(L);
}

/* describe(value) -> text. */
static int core_describe(lua_State *L) {
  mlp_describe(L, 1);
  return 1;
}

/* caller_is(prefix, module_call): what to leave out of positions, and whose frames give paths. */
static int core_caller_is(lua_State *L) {
  lua_settop(L, 2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &module_call_key);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &prefix_key);
  return 0;
}

void mlp_open_raise(lua_State *L) {
  static const luaL_Reg functions[] = {{"raise", core_raise},
                                       {"describe", core_describe},
                                       {"caller_is", core_caller_is},
                                       {NULL, NULL}};
  mlp_register(L, functions);
}
