#include "base/png.h"

#include <png.h>
#include <setjmp.h>
#include <string.h>

/* Deflate cannot do better than 1032 to 1 (zlib's algorithm notes): a header that promises more
** rows than that is lying. */
enum { DEFLATE_RATIO = 1032 };

/* One decoding or encoding. Everything that outlives a longjmp is here, not in locals. */
typedef struct {
  png_structp png;
  png_infop info;
  mlp_memory *memory;
  mlp_error *error;
  mlp_status status;
  jmp_buf give_up;
  const unsigned char *in; /* decoding: the file; encoding: the pixels */
  size_t left;             /* decoding: bytes not yet read */
  const mlp_png_wish *wish;
  mlp_bytes *out; /* decoding: the pixels; encoding: the file */
  mlp_picture *picture;
} session;

static void on_error(png_structp png, png_const_charp message) {
  session *s = png_get_error_ptr(png);
  if (s->status == MLP_OK) s->status = mlp_refuse(s->error, "png: %s", message);
  longjmp(s->give_up, 1);
}

static void on_warning(png_structp png, png_const_charp message) { (void)png, (void)message; }

static void *on_take(png_structp png, png_alloc_size_t bytes) {
  session *s = png_get_mem_ptr(png);
  void *block = mlp_take_counted(s->memory, bytes);
  if (!block) s->status = mlp_no_memory(s->error, bytes); /* libpng calls on_error next */
  return block;
}

static void on_give(png_structp png, void *block) {
  session *s = png_get_mem_ptr(png);
  mlp_give_counted(s->memory, block);
}

/* Leaves the work below when its status is a refusal. */
static void must(session *s, mlp_status status) {
  s->status = status;
  if (status != MLP_OK) longjmp(s->give_up, 1);
}

/* The only setjmp: whatever fails inside `work` ends here, with s->status and s->error telling. */
static mlp_status guarded(session *s, void (*work)(session *)) {
  if (setjmp(s->give_up) == 0) work(s);
  return s->status;
}

static void on_read(png_structp png, png_bytep to, size_t n) {
  session *s = png_get_io_ptr(png);
  if (n > s->left) png_error(png, "the file ends too early");
  memcpy(to, s->in, n);
  s->in += n;
  s->left -= n;
}

static void check_size(session *s) {
  const mlp_picture *p = s->picture;
  size_t row = png_get_rowbytes(s->png, s->info) + 1; /* as stored: with its filter byte */
  size_t out = p->width * (size_t)(p->channels * s->wish->depth / 8);
  if (p->height > s->left * DEFLATE_RATIO / row + 1)
    must(s,
         mlp_refuse(s->error, "png: the header says %zu x %zu pixels, more than %zu bytes can hold",
                    p->height, p->width, s->left));
  if (p->height > s->wish->limit / out)
    must(s, mlp_refuse(s->error, "png: %zu x %zu x %d samples are more than the limit of %zu bytes",
                       p->height, p->width, p->channels, s->wish->limit));
}

static void read_palette(session *s) {
  png_colorp colors = NULL;
  png_bytep alpha = NULL;
  int count = 0, with_alpha = 0;
  png_get_PLTE(s->png, s->info, &colors, &count);
  png_get_tRNS(s->png, s->info, &alpha, &with_alpha, NULL);
  for (int i = 0; i < count; i++) {
    unsigned char *to = s->picture->palette[i];
    to[0] = colors[i].red, to[1] = colors[i].green, to[2] = colors[i].blue;
    to[3] = i < with_alpha ? alpha[i] : 255;
  }
  s->picture->colors = (size_t)count;
}

/* Asks libpng for the samples that are wished for. */
static void ask(session *s) {
  if (s->wish->positions) {
    png_set_packing(s->png); /* one byte each */
    return;
  }
  png_set_expand(s->png); /* palette to RGB, fewer bits to 8, tRNS to alpha */
  if (s->wish->depth == 16)
    png_set_expand_16(s->png);
  else
    png_set_scale_16(s->png);
}

/* Tells what the rows will be; returns how many passes bring them. */
static int read_header(session *s) {
  png_structp png = s->png;
  png_read_info(png, s->info);
  mlp_picture *p = s->picture;
  p->height = png_get_image_height(png, s->info);
  p->width = png_get_image_width(png, s->info);
  p->bit_depth = png_get_bit_depth(png, s->info);
  p->interlaced = png_get_interlace_type(png, s->info) != PNG_INTERLACE_NONE;
  p->colors = 0;
  int color = png_get_color_type(png, s->info);
  bool alpha = (color & PNG_COLOR_MASK_ALPHA) || png_get_valid(png, s->info, PNG_INFO_tRNS);
  p->channels = (color & PNG_COLOR_MASK_COLOR ? 3 : 1) + (alpha ? 1 : 0);
  if (s->wish->positions) {
    if (color != PNG_COLOR_TYPE_PALETTE) png_error(png, "the picture has no palette");
    p->channels = 1;
    read_palette(s);
  }
  check_size(s);
  ask(s);
  int passes = png_set_interlace_handling(png);
  png_read_update_info(png, s->info);
  return passes;
}

static void check_positions(session *s) {
  for (size_t i = 0; i < s->out->size; i++)
    if (s->out->data[i] >= s->picture->colors) png_error(s->png, "a pixel is outside the palette");
}

static void decode(session *s) {
  png_structp png = s->png =
      png_create_read_struct_2(PNG_LIBPNG_VER_STRING, s, on_error, on_warning, s, on_take, on_give);
  s->info = png ? png_create_info_struct(png) : NULL;
  if (!s->info) must(s, mlp_no_memory(s->error, sizeof *s));
  png_set_read_fn(png, s, on_read);
  int passes = read_header(s);
  size_t row = s->picture->width * (size_t)(s->picture->channels * s->wish->depth / 8);
  if (png_get_rowbytes(png, s->info) != row) png_error(png, "rows of an unexpected size");
  size_t size = s->picture->height * row;
  must(s, mlp_bytes_room(s->memory, s->out, size, s->wish->limit, s->error));
  for (int pass = 0; pass < passes; pass++)
    for (size_t y = 0; y < s->picture->height; y++) png_read_row(png, s->out->data + y * row, NULL);
  png_read_end(png, NULL);
  s->out->size = size;
  if (s->wish->positions) check_positions(s);
}

mlp_status mlp_png_decode(mlp_memory *m, mlp_bytes *pixels, mlp_picture *picture, const void *in,
                          size_t n, const mlp_png_wish *wish, mlp_error *e) {
  session s = {.memory = m, .error = e, .in = in, .left = n, .wish = wish, .out = pixels};
  s.picture = picture;
  if (n < 8 || png_sig_cmp(in, 0, 8) != 0) return mlp_refuse(e, "png: not a PNG file");
  mlp_status status = guarded(&s, decode);
  png_destroy_read_struct(&s.png, &s.info, NULL);
  return status;
}

static void on_write(png_structp png, png_bytep from, size_t n) {
  session *s = png_get_io_ptr(png);
  must(s, mlp_bytes_append(s->memory, s->out, from, n, s->error));
}

static void on_flush(png_structp png) { (void)png; }

static void write_palette(session *s) {
  const mlp_picture *p = s->picture;
  png_color colors[MLP_PALETTE] = {{0, 0, 0}};
  png_byte alpha[MLP_PALETTE] = {0};
  bool opaque = true;
  for (size_t i = 0; i < p->colors; i++) {
    colors[i] = (png_color){p->palette[i][0], p->palette[i][1], p->palette[i][2]};
    alpha[i] = p->palette[i][3];
    opaque = opaque && alpha[i] == 255;
  }
  png_set_PLTE(s->png, s->info, colors, (int)p->colors);
  if (!opaque) png_set_tRNS(s->png, s->info, alpha, (int)p->colors, NULL);
}

static void write_header(session *s) {
  static const int colors[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                               PNG_COLOR_TYPE_RGB_ALPHA};
  const mlp_picture *p = s->picture;
  png_set_IHDR(s->png, s->info, (png_uint_32)p->width, (png_uint_32)p->height, p->bit_depth,
               p->colors ? PNG_COLOR_TYPE_PALETTE : colors[p->channels - 1],
               p->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (p->colors) write_palette(s);
  png_write_info(s->png, s->info);
}

static void encode(session *s) {
  const mlp_picture *p = s->picture;
  png_structp png = s->png = png_create_write_struct_2(PNG_LIBPNG_VER_STRING, s, on_error,
                                                       on_warning, s, on_take, on_give);
  s->info = png ? png_create_info_struct(png) : NULL;
  if (!s->info) must(s, mlp_no_memory(s->error, sizeof *s));
  png_set_write_fn(png, s, on_write, on_flush);
  write_header(s);
  if (p->bit_depth < 8) png_set_packing(png);
  int passes = png_set_interlace_handling(png);
  size_t row = p->width * (size_t)(p->channels * (p->bit_depth == 16 ? 2 : 1));
  for (int pass = 0; pass < passes; pass++)
    for (size_t y = 0; y < p->height; y++) png_write_row(png, s->in + y * row);
  png_write_end(png, NULL);
}

static bool depth_is_fine(const mlp_picture *p) {
  switch (p->bit_depth) {
    case 1:
    case 2:
    case 4: return p->channels == 1 && p->colors <= (size_t)1 << p->bit_depth;
    case 8: return true;
    case 16: return p->colors == 0;
    default: return false;
  }
}

mlp_status mlp_png_encode(mlp_memory *m, mlp_bytes *out, const mlp_picture *picture,
                          const void *pixels, mlp_error *e) {
  if (picture->channels < 1 || picture->channels > 4)
    return mlp_refuse(e, "png: %d channels but 1, 2, 3 or 4 were wanted", picture->channels);
  if (picture->height - 1 >= MLP_PICTURE_SIDE || picture->width - 1 >= MLP_PICTURE_SIDE)
    return mlp_refuse(e, "png: %zu x %zu pixels but 1 to %d each way were wanted", picture->height,
                      picture->width, MLP_PICTURE_SIDE);
  if (picture->colors > MLP_PALETTE || (picture->colors && picture->channels != 1))
    return mlp_refuse(e, "png: %zu colours for %d channels but 1 to %d for one were wanted",
                      picture->colors, picture->channels, MLP_PALETTE);
  if (!depth_is_fine(picture))
    return mlp_refuse(e, "png: %d bits per sample do not go with %d channels and %zu colours",
                      picture->bit_depth, picture->channels, picture->colors);
  mlp_picture copy = *picture;
  session s = {.memory = m, .error = e, .in = pixels, .out = out, .picture = &copy};
  mlp_status status = guarded(&s, encode);
  png_destroy_write_struct(&s.png, &s.info);
  return status;
}
