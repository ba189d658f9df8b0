rockspec_format = "3.0"
package = "mlp"
version = "scm-1"
-- This rockspec builds a checkout (`luarocks make`); that of a release names its address and tag.
source = {
  url = ".",
}
description = {
  summary = "Build, train and understand multilayer perceptrons: C does the work, Lua composes it",
  detailed = [[
    Tensors with gradients of any order, layers, losses, optimizers, a trainer, and readers and
    writers for the usual files. The core is C over OpenBLAS, without a framework underneath, and
    runs in any host that embeds Lua 5.4.
  ]],
  license = "MIT",
  labels = { "neural-network", "machine-learning", "tensor", "autograd", "math" },
}
dependencies = {
  "lua >= 5.4, < 5.5",
  "dkjson >= 2.5",
  "argparse >= 0.7",
}
-- By library alone: Debian keeps the headers where LuaRocks 3.8 does not look, the compiler does.
external_dependencies = {
  OPENBLAS = { library = "openblas" },
  PNG = { library = "png" },
  ZLIB = { library = "z" },
}
build = {
  type = "make",
  -- The same for building and installing, so that installing finds everything up to date.
  variables = {
    BUILD = "build/luarocks",
    CFLAGS = "$(CFLAGS)",
    LIBFLAG = "$(LIBFLAG)",
    LUA = "$(LUA)",
    LUA_INCDIR = "$(LUA_INCDIR)",
    OPENBLAS_INCDIR = "$(OPENBLAS_INCDIR)",
    OPENBLAS_LIBDIR = "$(OPENBLAS_LIBDIR)",
    PNG_INCDIR = "$(PNG_INCDIR)",
    PNG_LIBDIR = "$(PNG_LIBDIR)",
    ZLIB_INCDIR = "$(ZLIB_INCDIR)",
    ZLIB_LIBDIR = "$(ZLIB_LIBDIR)",
    LUADIR = "$(LUADIR)",
    LIBDIR = "$(LIBDIR)",
    BINDIR = "$(BINDIR)",
  },
  copy_directories = { "examples" },
}
test = {
  type = "command",
  command = "make test",
}
