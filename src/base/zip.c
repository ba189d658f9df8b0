#include "base/zip.h"

#include <stdbool.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

/* zlib counts one call's input and output in 32 bits: longer runs are given in slices. */
#define SLICE ((size_t)1 << 30)

/* What zlib takes for itself with the windows and the level below (zconf.h). */
enum { INFLATE_BYTES = 40 << 10, DEFLATE_BYTES = 264 << 10, MEMORY_LEVEL = 8 };
enum { GZIP_MAGIC = 0x1f }; /* a gzip member's first byte */

/* zlib's window: 15 bits, +16 says gzip, negative says no header at all. */
static const struct {
  const char *name;
  int window_bits;
} wraps[MLP_WRAPS] = {
    [MLP_GZIP] = {"gzip", 15 + 16}, [MLP_ZLIB] = {"zlib", 15}, [MLP_RAW] = {"raw", -15}};

const char *mlp_wrap_name(mlp_wrap wrap) { return wraps[wrap].name; }

typedef struct {
  z_stream z;
  mlp_memory *memory;
  const unsigned char *next; /* input that zlib has not been shown */
  size_t left;
  mlp_bytes *out;
  size_t limit; /* of out->size while this runs: one more than the caller's */
} stream;

static void *zlib_take(void *memory, uInt items, uInt size) {
  return mlp_take_counted(memory, (size_t)items * size);
}

static void zlib_give(void *memory, void *block) { mlp_give_counted(memory, block); }

static void stream_init(stream *s, mlp_memory *m, mlp_bytes *out, const void *in, size_t n) {
  memset(s, 0, sizeof *s);
  s->z.zalloc = zlib_take;
  s->z.zfree = zlib_give;
  s->z.opaque = s->memory = m;
  s->next = in;
  s->left = n;
  s->out = out;
}

static size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* One call of inflate or deflate with all the input and room it can count. */
static mlp_status step(stream *s, int (*turn)(z_stream *, int), int *code, mlp_error *e) {
  mlp_bytes *out = s->out;
  if (s->z.avail_in == 0) {
    s->z.next_in = s->next;
    s->z.avail_in = (uInt)smaller(s->left, SLICE);
    s->next += s->z.avail_in;
    s->left -= s->z.avail_in;
  }
  MLP_TRY(mlp_bytes_room(s->memory, out, 1, s->limit, e));
  uInt room = (uInt)smaller(smaller(out->capacity, s->limit) - out->size, SLICE);
  s->z.next_out = out->data + out->size;
  s->z.avail_out = room;
  *code = turn(&s->z, s->left == 0 ? Z_FINISH : Z_NO_FLUSH);
  out->size += room - s->z.avail_out;
  return MLP_OK;
}

static size_t unread(const stream *s) { return s->left + s->z.avail_in; }

static mlp_status inflate_refused(const stream *s, int code, const char *name, mlp_error *e) {
  if (code == Z_MEM_ERROR) return mlp_no_memory(e, INFLATE_BYTES);
  if (code == Z_NEED_DICT) return mlp_refuse(e, "inflate: the %s data want a dictionary", name);
  return mlp_refuse(e, "inflate: not valid %s data: %s", name, s->z.msg ? s->z.msg : "damaged");
}

/* To the end of one member; out->size may pass the caller's limit by one, which is refused. */
static mlp_status inflate_member(stream *s, const char *name, mlp_error *e) {
  for (;;) {
    int code;
    MLP_TRY(step(s, inflate, &code, e));
    if (s->out->size == s->limit)
      return mlp_refuse(e, "inflate: more than the limit of %zu bytes would come out",
                        s->limit - 1);
    if (code == Z_STREAM_END) return MLP_OK;
    if (code == Z_BUF_ERROR && s->z.avail_out > 0) /* it wanted input, not room */
      return mlp_refuse(e, "inflate: the %s data end too early", name);
    if (code != Z_OK && code != Z_BUF_ERROR) return inflate_refused(s, code, name, e);
  }
}

/* gzip files may be joined end to end; their contents then follow each other (RFC 1952, 2.2). */
static mlp_status inflate_all(stream *s, mlp_wrap wrap, mlp_error *e) {
  for (;;) {
    MLP_TRY(inflate_member(s, wraps[wrap].name, e));
    size_t more = unread(s);
    if (more == 0) return MLP_OK;
    unsigned char next = s->z.avail_in > 0 ? *s->z.next_in : *s->next;
    bool member = wrap == MLP_GZIP && next == GZIP_MAGIC;
    if (!member)
      return mlp_refuse(e, "inflate: bytes after the end of the %s data: %zu", wraps[wrap].name,
                        more);
    inflateReset(&s->z);
  }
}

mlp_status mlp_inflate(mlp_memory *m, mlp_bytes *out, const void *in, size_t n, mlp_wrap wrap,
                       size_t limit, mlp_error *e) {
  stream s;
  stream_init(&s, m, out, in, n);
  s.limit = limit < SIZE_MAX - out->size ? out->size + limit + 1 : SIZE_MAX;
  if (inflateInit2(&s.z, wraps[wrap].window_bits) != Z_OK) return mlp_no_memory(e, INFLATE_BYTES);
  mlp_status status = inflate_all(&s, wrap, e);
  inflateEnd(&s.z);
  return status;
}

static mlp_status deflate_all(stream *s, mlp_error *e) {
  int code;
  do {
    MLP_TRY(step(s, deflate, &code, e));
  } while (code == Z_OK || code == Z_BUF_ERROR);
  return code == Z_STREAM_END ? MLP_OK : mlp_refuse(e, "deflate: zlib answered %d", code);
}

mlp_status mlp_deflate(mlp_memory *m, mlp_bytes *out, const void *in, size_t n, mlp_wrap wrap,
                       int level, mlp_error *e) {
  if (level < Z_DEFAULT_COMPRESSION || level > Z_BEST_COMPRESSION)
    return mlp_refuse(e, "deflate: level is %d but -1 or 0 to 9 was wanted", level);
  stream s;
  stream_init(&s, m, out, in, n);
  s.limit = SIZE_MAX;
  int code = deflateInit2(&s.z, level, Z_DEFLATED, wraps[wrap].window_bits, MEMORY_LEVEL,
                          Z_DEFAULT_STRATEGY);
  if (code != Z_OK) return mlp_no_memory(e, DEFLATE_BYTES);
  mlp_status status = deflate_all(&s, e);
  deflateEnd(&s.z);
  return status;
}

uint32_t mlp_crc32(uint32_t so_far, const void *in, size_t n) {
  return (uint32_t)crc32_z(so_far, in, n);
}
