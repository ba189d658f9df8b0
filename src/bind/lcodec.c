/*
** Compressed data, pictures, and two facts about the host: inflate, deflate, crc32, png_decode,
** png_encode, isatty, now. Strings in, strings out. Data that are not what they should be answer
** nil and a sentence, a caller's mistake raises.
** A codec's output lies in a boxed buffer, which the collector knows, while Lua may raise.
*/
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/png.h"
#include "base/zip.h"
#include "bind/bind.h"

#define BOX "mlp.Bytes"
#define DEFAULT_LIMIT ((lua_Integer)1 << 30) /* bytes that may come out of a codec */

typedef struct {
  mlp_memory *memory;
  mlp_bytes bytes;
} box;

static int box_gc(lua_State *L) {
  box *b = lua_touserdata(L, 1);
  mlp_bytes_drop(b->memory, &b->bytes);
  return 0;
}

static box *push_box(lua_State *L) {
  mlp_enter(L);
  box *b = lua_newuserdatauv(L, sizeof *b, 0);
  b->memory = &mlp_context_of(L)->memory;
  memset(&b->bytes, 0, sizeof b->bytes);
  if (luaL_newmetatable(L, BOX)) {
    lua_pushcfunction(L, box_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  return b;
}

/* The box's bytes as a string; the box, at the top of the stack, gives its block back. */
static void box_to_string(lua_State *L, box *b) {
  lua_pushlstring(L, (const char *)b->bytes.data, b->bytes.size);
  mlp_bytes_drop(b->memory, &b->bytes);
  lua_replace(L, -2);
}

/* nil and the sentence; out of memory raises. */
static int refused(lua_State *L, const mlp_error *e) {
  if (e->status == MLP_NO_MEMORY) return mlp_raise_error(L, e);
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  return 2;
}

static const char *check_string(lua_State *L, const char *who, size_t *n) {
  if (lua_type(L, 1) != LUA_TSTRING)
    mlp_raise(L, "%s: the data are %s but a string was wanted", who, mlp_describe(L, 1));
  return lua_tolstring(L, 1, n);
}

static lua_Integer check_integer(lua_State *L, int index, const char *who, const char *what) {
  int whole;
  lua_Integer value = lua_tointegerx(L, index, &whole);
  if (!whole)
    mlp_raise(L, "%s: %s is %s but a whole number was wanted", who, what, mlp_describe(L, index));
  return value;
}

/* The option of the table at index, or `fallback`. */
static lua_Integer integer_option(lua_State *L, int index, const char *who, const char *name,
                                  lua_Integer fallback) {
  if (!lua_istable(L, index) || !mlp_option(L, index, name)) return fallback;
  lua_Integer value = check_integer(L, -1, who, name);
  lua_pop(L, 1);
  return value;
}

static size_t limit_option(lua_State *L, const char *who) {
  lua_Integer limit = integer_option(L, 2, who, "limit", DEFAULT_LIMIT);
  if (limit < 0) mlp_raise(L, "%s: limit is negative but a count of bytes was wanted", who);
  return (size_t)limit;
}

static mlp_wrap format_option(lua_State *L, const char *who) {
  if (!lua_istable(L, 2) || !mlp_option(L, 2, "format")) return MLP_GZIP;
  const char *name = lua_tostring(L, -1);
  for (int w = 0; name && w < MLP_WRAPS; w++) {
    if (strcmp(name, mlp_wrap_name((mlp_wrap)w)) == 0) return lua_pop(L, 1), (mlp_wrap)w;
  }
  mlp_raise(L, "%s: format is %s but 'gzip', 'zlib' or 'raw' was wanted", who, mlp_describe(L, -1));
  return MLP_WRAPS;
}

/* inflate(data, {format = "gzip" | "zlib" | "raw", limit = bytes}) -> string | nil, message */
static int codec_inflate(lua_State *L) {
  size_t n;
  const char *in = check_string(L, "inflate", &n);
  mlp_wrap wrap = format_option(L, "inflate");
  size_t limit = limit_option(L, "inflate");
  box *b = push_box(L);
  mlp_error e;
  if (mlp_inflate(b->memory, &b->bytes, in, n, wrap, limit, &e) != MLP_OK) return refused(L, &e);
  box_to_string(L, b);
  return 1;
}

/* deflate(data, {format =, level = -1 .. 9}) -> string */
static int codec_deflate(lua_State *L) {
  size_t n;
  const char *in = check_string(L, "deflate", &n);
  mlp_wrap wrap = format_option(L, "deflate");
  lua_Integer level = integer_option(L, 2, "deflate", "level", -1);
  if (level < -1 || level > 9) mlp_raise(L, "deflate: level is not one of -1, 0, ... 9");
  box *b = push_box(L);
  mlp_error e;
  mlp_status status = mlp_deflate(b->memory, &b->bytes, in, n, wrap, (int)level, &e);
  if (status != MLP_OK) return mlp_raise_error(L, &e);
  box_to_string(L, b);
  return 1;
}

/* crc32(data) -> integer */
static int codec_crc32(lua_State *L) {
  size_t n;
  const char *in = check_string(L, "crc32", &n);
  lua_pushinteger(L, mlp_crc32(0, in, n));
  return 1;
}

static bool flag_option(lua_State *L, int index, const char *name) {
  if (!lua_istable(L, index) || !mlp_option(L, index, name)) return false;
  bool given = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return given;
}

/* png_decode(data, {limit = bytes, depth = 8 | 16, positions = false})
** -> samples, height, width, channels, bit_depth, palette | nil, message. Samples of 16 bits are
** big-endian; the palette is the RGBA of each colour where positions are asked for. */
static int codec_png_decode(lua_State *L) {
  size_t n;
  const char *in = check_string(L, "png_decode", &n);
  mlp_png_wish wish = {.limit = limit_option(L, "png_decode"),
                       .positions = flag_option(L, 2, "positions")};
  lua_Integer depth = integer_option(L, 2, "png_decode", "depth", 8);
  if (depth != 8 && (depth != 16 || wish.positions))
    mlp_raise(L, "png_decode: depth is not 8, or 16 without positions");
  wish.depth = (int)depth;
  box *b = push_box(L);
  mlp_picture p;
  mlp_error e;
  if (mlp_png_decode(b->memory, &b->bytes, &p, in, n, &wish, &e) != MLP_OK) return refused(L, &e);
  box_to_string(L, b);
  lua_pushinteger(L, (lua_Integer)p.height);
  lua_pushinteger(L, (lua_Integer)p.width);
  lua_pushinteger(L, p.channels);
  lua_pushinteger(L, p.bit_depth);
  if (p.colors == 0) return 5;
  lua_pushlstring(L, (const char *)p.palette, p.colors * sizeof p.palette[0]);
  return 6;
}

static size_t check_side(lua_State *L, int index, const char *what) {
  lua_Integer side = check_integer(L, index, "png_encode", what);
  if (side < 1 || side > MLP_PICTURE_SIDE)
    mlp_raise(L, "png_encode: %s is %s but 1 to %d was wanted", what, mlp_describe(L, index),
              MLP_PICTURE_SIDE);
  return (size_t)side;
}

static void palette_option(lua_State *L, int index, mlp_picture *p) {
  if (!lua_istable(L, index) || !mlp_option(L, index, "palette")) return;
  size_t n;
  const char *bytes = luaL_checklstring(L, -1, &n);
  if (n == 0 || n % sizeof p->palette[0] != 0 || n > sizeof p->palette)
    mlp_raise(L,
              "png_encode: the palette has %zu bytes but 4 for each of 1 to %d colours were wanted",
              n, MLP_PALETTE);
  memcpy(p->palette, bytes, n);
  p->colors = n / sizeof p->palette[0];
  lua_pop(L, 1);
}

/* png_encode(samples, height, width, channels, {depth = 8, interlaced = false, palette = string})
** -> string. One byte per sample, two (big-endian) where depth is 16. */
static int codec_png_encode(lua_State *L) {
  size_t n;
  const char *in = check_string(L, "png_encode", &n);
  mlp_picture p = {.height = check_side(L, 2, "height"), .width = check_side(L, 3, "width")};
  p.channels = (int)check_side(L, 4, "channels");
  p.bit_depth = (int)integer_option(L, 5, "png_encode", "depth", 8);
  p.interlaced = flag_option(L, 5, "interlaced");
  palette_option(L, 5, &p);
  size_t wanted = p.height * p.width * (size_t)p.channels * (p.bit_depth == 16 ? 2 : 1);
  if (n != wanted) mlp_raise(L, "png_encode: %zu bytes came but %zu were wanted", n, wanted);
  box *b = push_box(L);
  mlp_error e;
  if (mlp_png_encode(b->memory, &b->bytes, &p, in, &e) != MLP_OK) return mlp_raise_error(L, &e);
  box_to_string(L, b);
  return 1;
}

/* isatty(fd) -> boolean */
static int codec_isatty(lua_State *L) {
  lua_pushboolean(L, isatty((int)check_integer(L, 1, "isatty", "the descriptor")));
  return 1;
}

/* now() -> seconds of a clock that only goes forward */
static int codec_now(lua_State *L) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  lua_pushnumber(L, (lua_Number)t.tv_sec + (lua_Number)t.tv_nsec * 1e-9);
  return 1;
}

void mlp_open_codec(lua_State *L) {
  static const luaL_Reg functions[] = {{"inflate", codec_inflate},
                                       {"deflate", codec_deflate},
                                       {"crc32", codec_crc32},
                                       {"png_decode", codec_png_decode},
                                       {"png_encode", codec_png_encode},
                                       {"isatty", codec_isatty},
                                       {"now", codec_now},
                                       {NULL, NULL}};
  mlp_register(L, functions);
}
