/*
** Words that are nearly right: an unknown option is refused with the known one that was probably
** meant. Near is at most three edits, an edit being a letter changed, added, left out, or two
** neighbours exchanged (optimal string alignment).
*/
#include <string.h>

#include "bind/bind.h"

enum { LONGEST = 40, FAR = 99, NEAR = 3 };

static int least(int a, int b) { return a < b ? a : b; }

int mlp_word_distance(const char *a, const char *b) {
  int rows[3][LONGEST + 1], *before = rows[0], *above = rows[1], *row = rows[2];
  size_t m = strlen(a), n = strlen(b);
  if (m > LONGEST || n > LONGEST) return FAR;
  for (size_t j = 0; j <= n; j++) row[j] = (int)j;
  for (size_t i = 1; i <= m; i++) {
    int *spare = before;
    before = above, above = row, row = spare;
    row[0] = (int)i;
    for (size_t j = 1; j <= n; j++) {
      row[j] = least(above[j - 1] + (a[i - 1] != b[j - 1]), least(above[j], row[j - 1]) + 1);
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = least(row[j], before[j - 2] + 1);
    }
  }
  return row[n];
}

static int raise_unknown(lua_State *L, const char *who, const char *key, const char *const *known) {
  const char *guess = NULL;
  int best = NEAR + 1;
  for (; *known; known++) {
    int d = mlp_word_distance(key, *known);
    if (d < best) best = d, guess = *known;
  }
  if (!guess) return mlp_raise(L, "%s: unknown option '%s'", who, key);
  return mlp_raise(L, "%s: unknown option '%s' (did you mean '%s'?)", who, key, guess);
}

void mlp_check_options(lua_State *L, int index, const char *who, const char *const *known) {
  if (lua_isnoneornil(L, index)) return;
  if (!lua_istable(L, index))
    mlp_raise(L, "%s: options are %s but a table is wanted", who, mlp_describe(L, index));
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
      mlp_raise(L, "%s: options have names, but %s is a key", who, mlp_describe(L, -1));
    const char *key = lua_tostring(L, -1);
    const char *const *k = known;
    while (*k && strcmp(*k, key) != 0) k++;
    if (!*k) raise_unknown(L, who, key, known);
  }
}

/* word_distance(a, b) -> number of edits */
static int core_word_distance(lua_State *L) {
  lua_pushinteger(L, mlp_word_distance(luaL_checkstring(L, 1), luaL_checkstring(L, 2)));
  return 1;
}

void mlp_open_guess(lua_State *L) {
  static const luaL_Reg functions[] = {{"word_distance", core_word_distance}, {NULL, NULL}};
  mlp_register(L, functions);
}
