/*
** Tensors from byte strings and back: frombytes, tobytes. Strings are little-endian and row-major
** unless told otherwise, whatever the machine, and hold the numbers as the tensor does or in an
** encoding that files have (base/encoding.h).
*/
#include <string.h>

#include "base/encoding.h"
#include "bind/bind.h"

extern const mlp_row mlp_row_contiguous;

static bool little_endian(void) {
  const uint16_t one = 1;
  return *(const uint8_t *)&one == 1;
}

static void swap_bytes(char *data, int64_t count, size_t width) {
  for (int64_t i = 0; i < count; i++) {
    for (size_t a = 0, b = width - 1; a < b; a++, b--) {
      char c = data[(size_t)i * width + a];
      data[(size_t)i * width + a] = data[(size_t)i * width + b];
      data[(size_t)i * width + b] = c;
    }
  }
}

/* The option `encoding` of the table at index: MLP_ENCODINGS when there is none. Raises when the
** dtype is not the one that it widens to. */
static mlp_encoding read_encoding(lua_State *L, int index, mlp_dtype dtype, const char *who) {
  if (!lua_istable(L, index) || !mlp_option(L, index, "encoding")) return MLP_ENCODINGS;
  const char *name = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  mlp_encoding e = 0;
  while (e < MLP_ENCODINGS && strcmp(name, mlp_encoding_name(e)) != 0) e++;
  if (e == MLP_ENCODINGS)
    mlp_raise(L,
              "%s: encoding is %s but one of int8, int16, int24, int32, uint16, uint32, float16, "
              "bfloat16 is wanted",
              who, mlp_describe(L, -1));
  mlp_dtype wide = mlp_encoding_is_float(e) ? MLP_F32 : MLP_I64;
  if (dtype != wide)
    mlp_raise(L, "%s: the encoding %s goes with the dtype %s but the dtype is %s", who, name,
              mlp_dtype_name(wide), mlp_dtype_name(dtype));
  lua_pop(L, 1);
  return e;
}

/* ---- from ------------------------------------------------------------------------------------ */

/* The option `offset`, or more than `have` when it is none of 0 to `have`. */
static size_t read_offset(lua_State *L, int index, size_t have) {
  if (!lua_istable(L, index) || !mlp_option(L, index, "offset")) return 0;
  if (lua_type(L, -1) != LUA_TNUMBER)
    mlp_raise(L, "frombytes: offset is %s but a number is wanted", mlp_describe(L, -1));
  double given = lua_tonumber(L, -1);
  lua_pop(L, 1);
  return given >= 0 && given <= (double)have ? (size_t)given : have + 1;
}

static bool read_big_endian(lua_State *L, int index) {
  if (!lua_istable(L, index) || !mlp_option(L, index, "byteswap")) return false;
  bool big = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return big;
}

/* frombytes(string, dtype, shape, {offset = 0, byteswap = false, encoding = nil}) */
static int core_frombytes(lua_State *L) {
  static const char *const known[] = {"offset", "byteswap", "encoding", NULL};
  size_t have;
  mlp_shape shape;
  if (lua_type(L, 1) != LUA_TSTRING || !lua_istable(L, 3))
    return mlp_raise(L, "frombytes: a string, a dtype and a shape table are wanted");
  const char *bytes = lua_tolstring(L, 1, &have);
  mlp_dtype dtype = mlp_check_dtype(L, 2, "frombytes");
  mlp_read_shape(L, 3, &shape, "frombytes");
  mlp_check_options(L, 4, "frombytes", known);
  size_t offset = read_offset(L, 4, have);
  bool big = read_big_endian(L, 4);
  mlp_encoding e = read_encoding(L, 4, dtype, "frombytes");
  size_t width = e == MLP_ENCODINGS ? mlp_dtype_bytes(dtype) : mlp_encoding_bytes(e);
  mlp_error error;
  if (mlp_shape_check(&shape, "frombytes", &error) != MLP_OK) return mlp_raise_error(L, &error);
  size_t wanted = (size_t)mlp_shape_count(&shape) * width;
  if (offset > have || wanted > have - offset)
    return mlp_raise(L, "frombytes: the string has %zu bytes, but %zu from byte %zu on are wanted",
                     have, wanted, offset + 1);
  mlp_tensor *t = mlp_push_new(L, dtype, &shape, "frombytes");
  size_t count = (size_t)mlp_tensor_count(t);
  if (e != MLP_ENCODINGS) {
    mlp_widen(e, mlp_tensor_data(t), bytes + offset, count, big);
    return 1;
  }
  memcpy(mlp_tensor_data(t), bytes + offset, wanted);
  if (big == little_endian()) swap_bytes(mlp_tensor_data(t), (int64_t)count, width);
  return 1;
}

/* ---- to -------------------------------------------------------------------------------------- */

/* Replaces the tensor at index 1 by a contiguous one. */
static mlp_tensor *make_contiguous(lua_State *L, const char *who) {
  mlp_tensor *t = mlp_check_tensor(L, 1, who, "the first argument");
  if (mlp_tensor_contiguous(t)) return t;
  mlp_enter(L);
  t = mlp_check_tensor(L, 1, who, "the first argument");
  mlp_call c;
  mlp_call_init(&c, mlp_context_of(L), &mlp_row_contiguous, 1, &t);
  mlp_push_call(L, &c);
  lua_replace(L, 1);
  return mlp_to_tensor(L, 1);
}

static void narrow(lua_State *L, mlp_encoding e, char *room, const mlp_tensor *t) {
  const void *data = mlp_tensor_data(t);
  size_t count = (size_t)mlp_tensor_count(t), done = mlp_narrow(e, room, data, count);
  if (done < count)
    mlp_raise(L, "tobytes: element %zu is %lld, which %s does not hold", done + 1,
              (long long)((const int64_t *)data)[done], mlp_encoding_name(e));
}

/* tobytes({encoding = nil}) -> string */
static int tensor_tobytes(lua_State *L) {
  mlp_forbid(L, "tobytes", "gives numbers to Lua");
  static const char *const known[] = {"encoding", NULL};
  mlp_check_options(L, 2, "tobytes", known);
  mlp_tensor *t = make_contiguous(L, "tobytes");
  mlp_encoding e = read_encoding(L, 2, t->dtype, "tobytes");
  size_t width = e == MLP_ENCODINGS ? mlp_dtype_bytes(t->dtype) : mlp_encoding_bytes(e);
  size_t bytes = (size_t)mlp_tensor_count(t) * width;
  luaL_Buffer b;
  char *room = luaL_buffinitsize(L, &b, bytes);
  if (e != MLP_ENCODINGS) {
    narrow(L, e, room, t);
  } else {
    memcpy(room, mlp_tensor_data(t), bytes);
    if (!little_endian()) swap_bytes(room, mlp_tensor_count(t), width);
  }
  luaL_pushresultsize(&b, bytes);
  return 1;
}

void mlp_open_bytes(lua_State *L, int methods) {
  static const luaL_Reg functions[] = {{"frombytes", core_frombytes}, {NULL, NULL}};
  static const luaL_Reg of_tensors[] = {{"tobytes", tensor_tobytes}, {NULL, NULL}};
  mlp_register(L, functions);
  lua_pushvalue(L, methods);
  mlp_register(L, of_tensors);
  lua_pop(L, 1);
}
