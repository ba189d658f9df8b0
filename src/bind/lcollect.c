/*
** The collector must know of bytes it cannot see, or a loop of temporaries would fill the memory
** before the collector saw a reason to work. Every megabyte taken is credited to it as debt
** (LUA_GCSTEP), times a pace. The collector counts its debt in fractions of the host's heap: in a
** host with 300 MB of its own, 300 MB of dead tensors would wait for each cycle, none of them warm
** in a cache; cycles too close together would spend all the time on marking that heap. So the pace
** is found by trying: it doubles from cycle to cycle as long as a byte does not become much dearer,
** collecting included, and is halved when it does. A sentinel, garbage from birth, tells by its
** finaliser that a cycle has come round. A full collection is the second line, for a collector that
** does not keep up: a generational one takes what lived through two short cycles for old, and waits
** with it until the host's heap has doubled.
*/
#include <time.h>

#include "bind/bind.h"

#define CREDIT_BYTES ((size_t)1 << 20)
#define LEAST_FULL_BYTES ((size_t)256 << 20)
#define MOST_DEBT (1 << 30) /* kilobytes */
#define FIRST_CYCLE_BYTES ((size_t)16 << 20)
#define SLOWEST_PACE 0.5
#define FASTEST_PACE 64.0
#define MUCH_DEARER 1.15 /* near ties are decided for less garbage */
#define MUCH_CHEAPER 0.9

static const char sentinel_key = 0; /* of the sentinels' metatable in the registry */

static double seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void begin_cycle(mlp_host *h) {
  h->cycle_seconds = seconds();
  h->collected_bytes = h->context.memory.taken_bytes;
}

/* ---- the sentinel ---------------------------------------------------------------------------- */

static int sentinel_gc(lua_State *L) {
  mlp_host *h = mlp_host_of(L);
  h->watched = false;
  return 0;
}

static void push_sentinel(lua_State *L) {
  mlp_host *h = mlp_host_of(L);
  lua_newuserdatauv(L, 0, 0);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &sentinel_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushvalue(L, lua_upvalueindex(MLP_UP_METATABLE));
    lua_pushvalue(L, lua_upvalueindex(MLP_UP_HOST));
    lua_pushcclosure(L, sentinel_gc, MLP_SHARED_UPVALUES);
    lua_setfield(L, -2, "__gc"); /* metatable.__gc = sentinel_gc */
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &sentinel_key);
  }
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
  h->watched = true;
}

/* ---- the pace -------------------------------------------------------------------------------- */

/* A cycle has come round: were the bytes since the last one cheaper, collecting included, than
** those before? The first cycle is brought about early, to learn what one costs. */
static void set_pace(mlp_host *h, size_t heap) {
  size_t taken = h->context.memory.taken_bytes - h->collected_bytes;
  double cost = (seconds() - h->cycle_seconds) / (double)(taken + 1);
  if (h->pace == 0)
    h->pace = (double)(heap / FIRST_CYCLE_BYTES), h->faster = true;
  else if (h->faster)
    h->faster = cost < MUCH_DEARER * h->byte_cost;
  else
    h->faster = cost > MUCH_CHEAPER * h->byte_cost;
  h->pace *= h->faster ? 2 : 0.5;
  if (h->pace > FASTEST_PACE) h->pace = FASTEST_PACE, h->faster = false;
  if (h->pace < SLOWEST_PACE) h->pace = SLOWEST_PACE, h->faster = true;
  h->byte_cost = cost;
  begin_cycle(h);
}

void mlp_collect(lua_State *L) {
  mlp_host *h = mlp_host_of(L);
  lua_gc(L, LUA_GCCOLLECT);
  h->credited_bytes = h->context.memory.taken_bytes;
  h->survived_bytes = h->context.memory.live_bytes;
  begin_cycle(h);
}

/* Have the live bytes grown by more than what is known to be alive and the heap to be marked? */
static bool falls_behind(mlp_host *h, size_t heap) {
  size_t live = h->context.memory.live_bytes;
  if (live < h->survived_bytes) h->survived_bytes = live;
  size_t grown = live - h->survived_bytes;
  return grown > LEAST_FULL_BYTES && grown > h->survived_bytes + heap;
}

void mlp_credit(lua_State *L) {
  mlp_host *h = mlp_host_of(L);
  size_t fresh = h->context.memory.taken_bytes - h->credited_bytes;
  if (fresh < CREDIT_BYTES || !lua_gc(L, LUA_GCISRUNNING)) return;
  size_t heap = (size_t)lua_gc(L, LUA_GCCOUNT) << 10;
  if (!h->watched) {
    set_pace(h, heap);
    push_sentinel(L);
  }
  if (falls_behind(h, heap)) {
    mlp_collect(L);
    return;
  }
  h->credited_bytes = h->context.memory.taken_bytes;
  double debt = h->pace * (double)(fresh >> 10);
  lua_gc(L, LUA_GCSTEP, debt < MOST_DEBT ? (int)debt : MOST_DEBT);
}
