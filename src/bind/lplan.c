/*
** Compiled functions in Lua. Three userdata: a recording, open while the function runs; a plan,
** made of it; and the compiled function, which finds the plan that fits its arguments and replays
** it. What only Lua can do (calling the function, watching modules) is in lua/mlp/compile.lua,
** which the compiled function calls when no plan fits.
*/
#include "bind/bind.h"

#include <string.h>

#include "base/pool.h"
#include "graph/plan.h"

#define RECORDING_NAME "mlp.recording"
#define PLAN_NAME "mlp.plan"
#define COMPILED_NAME "mlp.Compiled"

enum { MOST_PLANS = 8, MOST_ARGUMENTS = 32 };

static const char anchors_key = 0; /* registry: list of what the open recording keeps alive */

typedef struct {
  mlp_recording recording;
  bool open;
} recording_box;

/* A plan with what must hold outside of it. Bits of the masks: arguments and results that are
** tensors. The Lua part of the guards is a table at plans[number] of the user value. */
typedef struct {
  mlp_plan *plan;
  bool no_grad;   /* where the function was entered, whatever scopes it opened then */
  uint64_t hooks; /* the host's count of changes */
  int lanes, n_argument, n_result;
  uint64_t tensor_arguments, tensor_results;
} entry;

typedef struct {
  int n, slot[MOST_PLANS]; /* slots, the latest used first */
  entry entry[MOST_PLANS];
} compiled;

/* Fields of the user value of a compiled function. */
enum { FUNCTION = 1, RECORD, PLANS };
/* Fields of a plan's table. */
enum { PLAN = 1, CONSTANTS, UPVALUES, FIELDS, SYNCS, RESULTS, REBUILD };

/* ---- recordings ------------------------------------------------------------------------------ */

static recording_box *check_recording(lua_State *L) {
  recording_box *b = luaL_checkudata(L, 1, RECORDING_NAME);
  if (!b->open) mlp_raise(L, "recording: it is closed");
  return b;
}

/* recording(tolerant, rehearsal) -> a value to close; only one is open at a time */
static int core_recording(lua_State *L) {
  mlp_enter(L);
  if (mlp_context_of(L)->recording) return mlp_raise(L, "compile: a function is being compiled");
  recording_box *b = lua_newuserdatauv(L, sizeof *b, 0);
  b->open = false;
  luaL_setmetatable(L, RECORDING_NAME);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &anchors_key);
  mlp_recording_start(&b->recording, mlp_context_of(L), lua_toboolean(L, 1), lua_toboolean(L, 2));
  b->open = true;
  return 1;
}

static int recording_close(lua_State *L) {
  recording_box *b = luaL_checkudata(L, 1, RECORDING_NAME);
  if (!b->open) return 0;
  b->open = false;
  mlp_recording_end(&b->recording);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &anchors_key);
  return 0;
}

/* recording:stop(): what comes is not recorded any more */
static int recording_stop(lua_State *L) {
  recording_box *b = check_recording(L);
  b->recording.context->recording = NULL;
  return 0;
}

/* recording:commit(): what a rehearsal changed stays */
static int recording_commit(lua_State *L) {
  check_recording(L)->recording.rehearsal = false;
  return 0;
}

/* recording:argument(x) -> x under a name of its own, so that the function's argument is told from
** the same tensor reached in another way; x itself when it collects a gradient */
static int recording_argument(lua_State *L) {
  mlp_error e;
  check_recording(L);
  mlp_tensor *t = mlp_check_tensor(L, 2, "compile", "the argument");
  if (mlp_tensor_traced(t)) return lua_pushvalue(L, 2), 1;
  mlp_box *box = mlp_push_box(L);
  box->tensor = mlp_tensor_borrow(t);
  if (box->tensor) return 1;
  mlp_no_memory(&e, sizeof *t);
  return mlp_raise_error(L, &e);
}

/* recording:gave_up() -> what could not be recorded, or nil */
static int recording_gave_up(lua_State *L) {
  lua_pushstring(L, check_recording(L)->recording.gave_up);
  return 1;
}

static int core_is_recording(lua_State *L) {
  lua_pushboolean(L, mlp_context_of(L)->recording != NULL);
  return 1;
}

/* The tensors of the list at index; they stay anchored in it. */
static mlp_tensor **read_tensors(lua_State *L, int index, int *n) {
  *n = (int)lua_rawlen(L, index);
  mlp_tensor **t = lua_newuserdatauv(L, ((size_t)*n + 1) * sizeof *t, 0);
  for (int i = 0; i < *n; i++) {
    lua_rawgeti(L, index, i + 1);
    t[i] = mlp_check_tensor(L, -1, "compile", "a tensor");
    lua_pop(L, 1);
  }
  return t;
}

/* recording:plan(arguments, has_batch, results, lanes) -> plan, anchors | nil, message: lists of
** tensors and of flags */
static int recording_plan(lua_State *L) {
  mlp_error e;
  recording_box *b = check_recording(L);
  mlp_face face;
  lua_settop(L, 5);
  face.argument = read_tensors(L, 2, &face.n_argument);
  face.result = read_tensors(L, 4, &face.n_result);
  bool has_batch[MOST_ARGUMENTS] = {false};
  for (int i = 0; i < face.n_argument && i < MOST_ARGUMENTS; i++) {
    lua_rawgeti(L, 3, i + 1);
    has_batch[i] = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  face.has_batch = has_batch;
  mlp_plan_wish wish = {(int)lua_tointeger(L, 5), mlp_host_of(L)->tile_height};
  mlp_plan **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, PLAN_NAME);
  *box = mlp_plan_make(&b->recording, &face, &wish, &e);
  if (!*box) {
    lua_pushnil(L);
    lua_pushstring(L, e.text);
    return 2;
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &anchors_key);
  return 2;
}

void mlp_anchor(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return;
  index = lua_absindex(L, index);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &anchors_key);
  lua_pushvalue(L, index);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

void mlp_forbid(lua_State *L, const char *who, const char *what) {
  mlp_error e;
  mlp_recording *r = mlp_context_of(L)->recording;
  if (r && mlp_recording_forbid(r, who, what, &e) != MLP_OK) mlp_raise_error(L, &e);
}

/* ---- plans ----------------------------------------------------------------------------------- */

static mlp_plan *check_plan(lua_State *L, int index) {
  mlp_plan **box = luaL_checkudata(L, index, PLAN_NAME);
  if (!*box) mlp_raise(L, "plan: it is closed");
  return *box;
}

static int plan_close(lua_State *L) {
  mlp_plan **box = luaL_checkudata(L, 1, PLAN_NAME);
  mlp_plan *plan = *box;
  *box = NULL;
  if (plan) mlp_plan_drop(plan);
  return 0;
}

typedef struct {
  lua_State *L;
  int list;
} dumping;

static void add_line(void *context, const char *text) {
  const dumping *d = context;
  lua_pushstring(d->L, text);
  lua_rawseti(d->L, d->list, (lua_Integer)lua_rawlen(d->L, d->list) + 1);
}

/* plan:lines() -> list of lines that describe it */
static int plan_lines(lua_State *L) {
  mlp_plan *plan = check_plan(L, 1);
  lua_newtable(L);
  dumping d = {L, lua_gettop(L)};
  mlp_plan_dump(plan, add_line, &d);
  return 1;
}

static int plan_bytes(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)mlp_plan_bytes(check_plan(L, 1)));
  return 1;
}

/* ---- guards in Lua --------------------------------------------------------------------------- */

/* Is every non-tensor argument what it was? Constants: list by position. */
static bool same_constants(lua_State *L, int guards, const entry *n) {
  bool same = true;
  lua_rawgeti(L, guards, CONSTANTS);
  for (int i = 0; i < n->n_argument && same; i++) {
    if (n->tensor_arguments >> i & 1) continue;
    lua_rawgeti(L, -1, i + 1);
    same = lua_rawequal(L, -1, i + 2);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return same;
}

/* Upvalues: list of (function, number, value). */
static bool same_upvalues(lua_State *L, int guards) {
  bool same = true;
  if (lua_rawgeti(L, guards, UPVALUES) == LUA_TTABLE) {
    int n = (int)lua_rawlen(L, -1), list = lua_gettop(L);
    for (int i = 1; i < n && same; i += 3) {
      lua_rawgeti(L, list, i);
      lua_rawgeti(L, list, i + 1);
      lua_rawgeti(L, list, i + 2);
      same = lua_getupvalue(L, list + 1, (int)lua_tointeger(L, list + 2)) &&
             lua_rawequal(L, -1, list + 3);
      lua_settop(L, list);
    }
  }
  lua_pop(L, 1);
  return same;
}

/* Does the table on top hold what its copy (below it) holds, and no more than `count` fields? */
static bool same_table(lua_State *L, lua_Integer count) {
  int table = lua_gettop(L), copy = table - 1;
  lua_Integer seen = 0;
  bool same = true;
  lua_pushnil(L);
  while (same && lua_next(L, table)) { /* key value */
    seen++;
    lua_pushvalue(L, -2);
    lua_rawget(L, copy);
    same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  lua_settop(L, table);
  return same && seen == count;
}

/* Fields: list of (copy, table, count) of the modules that ran. */
static bool same_fields(lua_State *L, int guards) {
  bool same = true;
  if (lua_rawgeti(L, guards, FIELDS) == LUA_TTABLE) {
    int n = (int)lua_rawlen(L, -1), list = lua_gettop(L);
    for (int i = 1; i < n && same; i += 3) {
      lua_rawgeti(L, list, i + 2);
      lua_Integer count = lua_tointeger(L, -1);
      lua_pop(L, 1);
      lua_rawgeti(L, list, i);
      lua_rawgeti(L, list, i + 1);
      same = same_table(L, count);
      lua_settop(L, list);
    }
  }
  lua_pop(L, 1);
  return same;
}

/* Brings what optimizers were told since into the tensors that the plan reads. */
static void run_syncs(lua_State *L, int guards) {
  if (lua_rawgeti(L, guards, SYNCS) == LUA_TTABLE) {
    int n = (int)lua_rawlen(L, -1);
    for (int i = 1; i <= n; i += 2) {
      lua_rawgeti(L, -1, i);
      lua_rawgeti(L, -2, i + 1);
      lua_call(L, 1, 0);
    }
  }
  lua_pop(L, 1);
}

/* ---- calling --------------------------------------------------------------------------------- */

/* The stack of a call: 1 the compiled function, its arguments, then these. */
typedef struct {
  lua_State *L;
  compiled *c;
  int n, state, plans; /* arguments; indices of the user value and of its list of plans */
  mlp_tensor *tensor[MOST_ARGUMENTS];
  int n_tensor;
  uint64_t tensors;
} calling;

static void start_call(calling *k, lua_State *L) {
  mlp_enter(L);
  k->L = L;
  k->c = lua_touserdata(L, 1);
  k->n = lua_gettop(L) - 1;
  k->n_tensor = 0;
  k->tensors = 0;
  luaL_checkstack(L, 24, "compiled function");
  if (k->n > MOST_ARGUMENTS)
    mlp_raise(L, "compile: %d arguments, but a compiled function takes at most %d", k->n,
              MOST_ARGUMENTS);
  for (int i = 0; i < k->n; i++) {
    mlp_tensor *t = mlp_to_tensor(L, i + 2);
    if (!t) continue;
    k->tensors |= 1ull << i;
    k->tensor[k->n_tensor++] = t;
  }
  lua_getiuservalue(L, 1, 1);
  k->state = lua_gettop(L);
  lua_rawgeti(L, k->state, PLANS);
  k->plans = k->state + 1;
}

/* Does entry `slot` fit? Leaves its guards on the stack when it does. */
static bool fits(calling *k, int slot) {
  lua_State *L = k->L;
  const entry *n = &k->c->entry[slot];
  const mlp_host *h = mlp_host_of(L);
  if (n->n_argument != k->n || n->tensor_arguments != k->tensors ||
      n->no_grad != (h->context.no_grad_depth > 0) || n->lanes != mlp_lanes() ||
      n->hooks != h->hooks || !mlp_plan_fits(n->plan, k->tensor, k->n_tensor))
    return false;
  lua_rawgeti(L, k->plans, slot + 1);
  int guards = lua_gettop(L);
  bool fit = same_constants(L, guards, n) && same_upvalues(L, guards) && same_fields(L, guards);
  lua_settop(L, fit ? guards : guards - 1);
  return fit;
}

static void use(compiled *c, int place) {
  int slot = c->slot[place];
  memmove(c->slot + 1, c->slot, (size_t)place * sizeof *c->slot);
  c->slot[0] = slot;
}

/* The entry that fits, its guards on top of the stack, or NULL. */
static entry *find_entry(calling *k) {
  for (int i = 0; i < k->c->n; i++) {
    int slot = k->c->slot[i];
    if (!fits(k, slot)) continue;
    if (i > 0) use(k->c, i);
    return &k->c->entry[slot];
  }
  return NULL;
}

/* Pushes what the function returned: fresh tensors and the constants between them. */
static int push_results(lua_State *L, const entry *n, int guards, int boxes) {
  int first = lua_gettop(L) + 1, next = boxes;
  lua_rawgeti(L, guards, RESULTS);
  int constants = first;
  for (int i = 0; i < n->n_result; i++) {
    if (n->tensor_results >> i & 1)
      lua_pushvalue(L, next++);
    else
      lua_rawgeti(L, constants, i + 1);
  }
  lua_remove(L, constants);
  if (lua_rawgeti(L, guards, REBUILD) == LUA_TNIL) return lua_pop(L, 1), n->n_result;
  lua_insert(L, first);
  lua_call(L, n->n_result, LUA_MULTRET);
  return lua_gettop(L) - first + 1;
}

/* Replays `times` times, or tells the results of the last replay again when that is 0; the guards
** are on top of the stack. */
static int replay(calling *k, entry *n, int64_t times) {
  lua_State *L = k->L;
  mlp_error e;
  int guards = lua_gettop(L), tensors = mlp_plan_results(n->plan);
  mlp_tensor *result[64];
  if (times > 0) run_syncs(L, guards);
  luaL_checkstack(L, 2 * tensors + n->n_result + 8, "results");
  for (int i = 0; i < tensors; i++) mlp_push_box(L);
  mlp_status status = times > 0 ? mlp_plan_repeat(n->plan, times, k->tensor, result, &e)
                                : mlp_plan_last(n->plan, k->tensor, result, &e);
  if (status != MLP_OK) return mlp_raise_error(L, &e);
  for (int i = 0; i < tensors; i++)
    ((mlp_box *)lua_touserdata(L, guards + 1 + i))->tensor = result[i];
  return push_results(L, n, guards, guards + 1);
}

/* No plan fits: the Lua part calls the function and records it. */
static int record(calling *k) {
  lua_State *L = k->L;
  lua_rawgeti(L, k->state, RECORD);
  for (int i = 0; i <= k->n; i++) lua_pushvalue(L, 1 + i);
  lua_call(L, k->n + 1, LUA_MULTRET);
  return lua_gettop(L) - k->plans;
}

static int call_inside(calling *k) {
  lua_State *L = k->L;
  lua_rawgeti(L, k->state, FUNCTION);
  for (int i = 1; i <= k->n; i++) lua_pushvalue(L, 1 + i);
  lua_call(L, k->n, LUA_MULTRET);
  return lua_gettop(L) - k->plans;
}

/* compiled(...) */
static int compiled_call(lua_State *L) {
  calling k;
  start_call(&k, L);
  if (mlp_context_of(L)->recording) return call_inside(&k); /* a part of what is being compiled */
  entry *n = find_entry(&k);
  return n ? replay(&k, n, 1) : record(&k);
}

/* compiled:run(times, ...): as many calls with the same arguments; the results of the last */
static int compiled_run(lua_State *L) {
  luaL_checkudata(L, 1, COMPILED_NAME);
  int whole;
  lua_Integer times = lua_tointegerx(L, 2, &whole);
  if (!whole || times < 1)
    return mlp_raise(L, "run: the number of calls is %s but a whole number from 1 is wanted",
                     mlp_describe(L, 2));
  lua_remove(L, 2);
  calling k;
  start_call(&k, L);
  entry *n = find_entry(&k);
  if (n) return replay(&k, n, times);
  int results = record(&k);
  if (times == 1) return results;
  lua_settop(L, k.n + 1);
  start_call(&k, L); /* the function may have closed what it was given */
  n = find_entry(&k);
  if (n) return replay(&k, n, times - 1);
  for (lua_Integer i = 1; i < times; i++) { /* it runs eagerly */
    lua_settop(L, k.plans);
    results = record(&k);
  }
  return results;
}

/* fits(compiled, ...): is there a plan for these arguments? */
static int core_fits(lua_State *L) {
  luaL_checkudata(L, 1, COMPILED_NAME);
  calling k;
  start_call(&k, L);
  lua_pushboolean(L, find_entry(&k) != NULL);
  return 1;
}

/* last(compiled, ...): what the last replay with these arguments returned, for who was interrupted
** after it; nothing when no plan fits */
static int core_last(lua_State *L) {
  luaL_checkudata(L, 1, COMPILED_NAME);
  calling k;
  start_call(&k, L);
  entry *n = find_entry(&k);
  return n ? replay(&k, n, 0) : 0;
}

/* ---- compiled functions ---------------------------------------------------------------------- */

/* compiled(function, record) */
static int core_compiled(lua_State *L) {
  lua_settop(L, 2);
  compiled *c = lua_newuserdatauv(L, sizeof *c, 1);
  memset(c, 0, sizeof *c);
  lua_createtable(L, 3, 0);
  for (int i = 1; i <= 2; i++) {
    lua_pushvalue(L, i);
    lua_rawseti(L, -2, i);
  }
  lua_newtable(L);
  lua_rawseti(L, -2, PLANS);
  lua_setiuservalue(L, -2, 1);
  luaL_setmetatable(L, COMPILED_NAME);
  return 1;
}

static uint64_t read_mask(lua_State *L, int index) { return (uint64_t)lua_tointeger(L, index); }

/* keep(compiled, guards, no_grad, n_argument, tensor_arguments, n_result, tensor_results): adds a
** plan; the least used goes */
static int core_keep(lua_State *L) {
  compiled *c = luaL_checkudata(L, 1, COMPILED_NAME);
  int slot = c->n < MOST_PLANS ? c->n++ : c->slot[MOST_PLANS - 1];
  int place = 0;
  while (place < c->n - 1 && c->slot[place] != slot) place++;
  c->slot[place] = slot;
  lua_rawgeti(L, 2, PLAN);
  c->entry[slot] = (entry){.plan = check_plan(L, -1),
                           .no_grad = lua_toboolean(L, 3),
                           .lanes = mlp_lanes(),
                           .hooks = mlp_host_of(L)->hooks,
                           .n_argument = (int)lua_tointeger(L, 4),
                           .tensor_arguments = read_mask(L, 5),
                           .n_result = (int)lua_tointeger(L, 6),
                           .tensor_results = read_mask(L, 7)};
  lua_getiuservalue(L, 1, 1);
  lua_rawgeti(L, -1, PLANS);
  lua_pushvalue(L, 2);
  lua_rawseti(L, -2, slot + 1);
  use(c, place);
  return 0;
}

/* forget(compiled): drops its plans */
static int core_forget(lua_State *L) {
  compiled *c = luaL_checkudata(L, 1, COMPILED_NAME);
  c->n = 0;
  lua_getiuservalue(L, 1, 1);
  lua_newtable(L);
  lua_rawseti(L, -2, PLANS);
  return 0;
}

/* plans(compiled) -> list of the plans' tables, the latest used first */
static int core_plans(lua_State *L) {
  compiled *c = luaL_checkudata(L, 1, COMPILED_NAME);
  lua_getiuservalue(L, 1, 1);
  lua_rawgeti(L, -1, PLANS);
  lua_createtable(L, c->n, 0);
  for (int i = 0; i < c->n; i++) {
    lua_rawgeti(L, -2, c->slot[i] + 1);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

/* hooks_changed(): hooks of some module came or went; plans made before do not know of it */
static int core_hooks_changed(lua_State *L) {
  mlp_host_of(L)->hooks++;
  return 0;
}

/* lanes(n or nil) -> into how many parts work is cut, a setting of the process */
static int core_lanes(lua_State *L) {
  if (!lua_isnoneornil(L, 1)) mlp_set_lanes((int)luaL_checkinteger(L, 1));
  lua_pushinteger(L, mlp_lanes());
  return 1;
}

/* ---- registration ---------------------------------------------------------------------------- */

static void open_class(lua_State *L, const char *name, const luaL_Reg *methods) {
  luaL_newmetatable(L, name);
  mlp_register(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}

void mlp_open_plan(lua_State *L) {
  static const luaL_Reg functions[] = {{"recording", core_recording},
                                       {"is_recording", core_is_recording},
                                       {"compiled", core_compiled},
                                       {"fits", core_fits},
                                       {"last", core_last},
                                       {"keep", core_keep},
                                       {"forget", core_forget},
                                       {"plans", core_plans},
                                       {"lanes", core_lanes},
                                       {"hooks_changed", core_hooks_changed},
                                       {NULL, NULL}};
  static const luaL_Reg of_recordings[] = {{"__gc", recording_close},
                                           {"__close", recording_close},
                                           {"close", recording_close},
                                           {"stop", recording_stop},
                                           {"argument", recording_argument},
                                           {"gave_up", recording_gave_up},
                                           {"commit", recording_commit},
                                           {"plan", recording_plan},
                                           {NULL, NULL}};
  static const luaL_Reg of_plans[] = {{"__gc", plan_close},
                                      {"close", plan_close},
                                      {"lines", plan_lines},
                                      {"bytes", plan_bytes},
                                      {NULL, NULL}};
  static const luaL_Reg of_compiled[] = {
      {"__call", compiled_call}, {"run", compiled_run}, {NULL, NULL}};
  mlp_register(L, functions);
  open_class(L, RECORDING_NAME, of_recordings);
  open_class(L, PLAN_NAME, of_plans);
  open_class(L, COMPILED_NAME, of_compiled);
}
