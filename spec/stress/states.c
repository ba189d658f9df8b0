/*
** Lua states that do not meet. Two modes:
**   states together    four threads, each with a state of its own, train XOR at the same time and
**                      close their state with histories pending; then one thread does it again
**   states starving    one state whose Lua allocator refuses the n-th request, n = 1, 2, ... until
**                      the script gets through: every refusal is a Lua error, every byte comes back
** Built by states_spec.lua against the system's liblua; the rock itself is never linked to it.
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, ATTEMPTS = 200000 };

static const char *const train =
    "local mlp = require 'mlp.core'\n"
    "local rounds = ...\n"
    "local x = mlp.tensor{{0,0},{0,1},{1,0},{1,1}}\n"
    "local y = mlp.tensor{{0},{1},{1},{0}}\n"
    "local w1 = mlp.tensor{{1,1},{1,1},{-1,1}}:requires_grad_()\n"
    "local b1 = mlp.tensor{0,-0.5,0.2}:requires_grad_()\n"
    "local w2 = mlp.tensor{{0.5,-0.5,0.3}}:requires_grad_()\n"
    "local loss\n"
    "for i = 1, rounds do\n"
    "  local hidden = mlp.linear(x, w1, b1, {activation='tanh'})\n"
    "  local off = mlp.linear(hidden, w2):sub(y)\n"
    "  loss = off:mul(off):mean()\n"
    "  loss:backward()\n"
    "  for _, w in ipairs{w1, b1, w2} do\n"
    "    local scope <close> = mlp.no_grad_scope()\n"
    "    w:sub_(w.grad:mul(0.2))\n"
    "    w.grad = nil\n"
    "  end\n"
    "end\n"
    "pending = mlp.linear(x, w1):exp():sum()\n"
    "return loss:item()\n";

/* ---- an allocator that counts, and may refuse ------------------------------------------------ */

typedef struct {
  size_t live;
  long until_refusal; /* -1: never */
} heap;

static void *allocate(void *data, void *block, size_t old_bytes, size_t bytes) {
  heap *h = data;
  if (!block) old_bytes = 0;
  if (bytes == 0) {
    free(block);
    h->live -= old_bytes;
    return NULL;
  }
  if (bytes > old_bytes && h->until_refusal >= 0 && h->until_refusal-- == 0) {
    h->until_refusal = 0; /* and all that follow, until the state is closed */
    return NULL;
  }
  void *moved = realloc(block, bytes);
  if (moved) h->live += bytes - old_bytes;
  return moved;
}

/* ---- one state ------------------------------------------------------------------------------- */

typedef struct {
  int rounds;
  double loss;
  char message[256];
} outcome;

static int body(lua_State *L) {
  outcome *o = lua_touserdata(L, 1);
  luaL_openlibs(L);
  if (luaL_loadstring(L, train) != LUA_OK) return lua_error(L);
  lua_pushinteger(L, o->rounds);
  lua_call(L, 1, 1);
  o->loss = lua_tonumber(L, -1);
  return 0;
}

/* Returns the status of the run; the state is closed with what it holds. */
static int run_state(heap *h, outcome *o) {
  o->message[0] = '\0';
  lua_State *L = lua_newstate(allocate, h);
  if (!L) return LUA_ERRMEM;
  lua_pushcfunction(L, body); /* neither push can fail: light values on a fresh stack */
  lua_pushlightuserdata(L, o);
  int status = lua_pcall(L, 1, 0, 0);
  if (status != LUA_OK && lua_type(L, -1) == LUA_TSTRING)
    snprintf(o->message, sizeof o->message, "%s", lua_tostring(L, -1));
  h->until_refusal = -1;
  lua_close(L);
  return status;
}

/* ---- together -------------------------------------------------------------------------------- */

static void *thread_body(void *data) {
  outcome *o = data;
  heap h = {0, -1};
  for (int i = 0; i < 5; i++) {
    if (run_state(&h, o) != LUA_OK) return "a state failed";
    if (h.live != 0) return "a state kept memory";
  }
  return NULL;
}

static int together(void) {
  pthread_t thread[THREADS];
  outcome o[THREADS + 1];
  void *complaint[THREADS + 1];
  int wrong = 0;
  for (int i = 0; i <= THREADS; i++) o[i].rounds = 300;
  for (int i = 0; i < THREADS; i++) pthread_create(&thread[i], NULL, thread_body, &o[i]);
  for (int i = 0; i < THREADS; i++) pthread_join(thread[i], &complaint[i]);
  complaint[THREADS] = thread_body(&o[THREADS]);
  for (int i = 0; i <= THREADS; i++) {
    if (complaint[i]) wrong = 1, printf("%s: %s\n", (char *)complaint[i], o[i].message);
    if (o[i].loss != o[0].loss) wrong = 1, printf("losses differ: %g, %g\n", o[i].loss, o[0].loss);
  }
  if (!(o[0].loss < 0.2)) wrong = 1, printf("did not learn: %g\n", o[0].loss);
  return wrong;
}

/* ---- starving -------------------------------------------------------------------------------- */

static int starving(void) {
  for (long n = 0; n < ATTEMPTS; n++) {
    heap h = {0, n};
    outcome o = {.rounds = 2};
    int status = run_state(&h, &o);
    if (h.live != 0) return printf("refusal %ld: %zu bytes were lost\n", n, h.live), 1;
    if (status == LUA_OK) return printf("attempts %ld\n", n), 0;
    if (status != LUA_ERRMEM && !strstr(o.message, "memory"))
      return printf("refusal %ld: %s\n", n, o.message), 1;
  }
  return printf("never got through\n"), 1;
}

int main(int argc, char **argv) {
  return argc > 1 && strcmp(argv[1], "starving") == 0 ? starving() : together();
}
