/*
** Generators: two numbers, seed and serial. The default one belongs to the Lua state; others are
** userdata that random operations take as an option. Saving the two numbers saves the stream.
*/
#include "bind/bind.h"

#define GENERATOR_NAME "mlp.Generator"

mlp_stream *mlp_check_stream(lua_State *L, int index, const char *who) {
  if (lua_isnoneornil(L, index)) return &mlp_context_of(L)->stream;
  mlp_stream *s = luaL_testudata(L, index, GENERATOR_NAME);
  if (!s)
    mlp_raise(L, "%s: generator is %s but one made by mlp.generator(seed) is wanted", who,
              mlp_describe(L, index));
  return s;
}

static lua_Integer read_seed(lua_State *L, int index, const char *who) {
  int whole;
  lua_Integer seed = lua_tointegerx(L, index, &whole);
  if (!whole)
    mlp_raise(L, "%s: %s is no seed; a whole number is wanted", who, mlp_describe(L, index));
  return seed;
}

/* manual_seed(n): starts the default generator anew */
static int core_manual_seed(lua_State *L) {
  mlp_forbid(L, "manual_seed", "starts a stream of random numbers anew");
  mlp_context_of(L)->stream = (mlp_stream){(uint64_t)read_seed(L, 1, "manual_seed"), 0};
  return 0;
}

/* generator(seed) */
static int core_generator(lua_State *L) {
  lua_Integer seed = read_seed(L, 1, "generator");
  mlp_stream *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (mlp_stream){(uint64_t)seed, 0};
  luaL_setmetatable(L, GENERATOR_NAME);
  return 1;
}

/* state(generator = the default one) -> seed, serial */
static int core_random_state(lua_State *L) {
  mlp_stream *s = mlp_check_stream(L, 1, "random_state");
  lua_pushinteger(L, (lua_Integer)s->seed);
  lua_pushinteger(L, (lua_Integer)s->serial);
  return 2;
}

/* set_state(generator or nil, seed, serial) */
static int core_set_random_state(lua_State *L) {
  mlp_stream *s = mlp_check_stream(L, 1, "set_random_state");
  uint64_t seed = (uint64_t)read_seed(L, 2, "set_random_state");
  *s = (mlp_stream){seed, (uint64_t)read_seed(L, 3, "set_random_state")};
  return 0;
}

void mlp_open_random(lua_State *L) {
  static const luaL_Reg functions[] = {{"manual_seed", core_manual_seed},
                                       {"generator", core_generator},
                                       {"random_state", core_random_state},
                                       {"set_random_state", core_set_random_state},
                                       {NULL, NULL}};
  static const luaL_Reg methods[] = {
      {"state", core_random_state}, {"set_state", core_set_random_state}, {NULL, NULL}};
  mlp_register(L, functions);
  if (luaL_newmetatable(L, GENERATOR_NAME)) {
    lua_newtable(L);
    mlp_register(L, methods);
    lua_setfield(L, -2, "__index");
  }
  lua_pop(L, 1);
}
