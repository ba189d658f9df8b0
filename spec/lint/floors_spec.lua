local floors <const> = require "spec.lint.floors"

-- The complaint about a house of one file, or nil.
local function complaint(path, text)
  local complaints <const> = floors.check { [path] = text }
  assert.is_true(#complaints <= 1, table.concat(complaints, "\n"))
  return complaints[1]
end

describe("floors of the C side", function()
  it("lets a file include its own floor, lower floors and the system", function()
    assert.is_nil(complaint("src/op/linear.c", table.concat({
      '#include "op/op.h"', '#include "kernel/kernel.h"', '#include "base/status.h"',
      "#include <string.h>" }, "\n")))
  end)

  it("refuses a look upwards and says where", function()
    assert.equal('src/kernel/unary.c:3: includes "graph/tape.h": kernel stands on floor 1 and may '
      .. "not look up to floor 4 (graph)",
      complaint("src/kernel/unary.c", '#include "base/cpu.h"\n\n#include "graph/tape.h"\n'))
  end)

  it("refuses a header that is not named by its floor", function()
    assert.matches("named by floor", complaint("src/op/op.c", '#include "op.h"'))
    assert.matches("named by floor", complaint("src/op/op.c", '# include "../op/op.h"'))
  end)

  it("keeps Lua to src/bind, and a BLAS and its like to src/kernel", function()
    assert.matches("src/bind alone", complaint("src/tensor/tensor.h", "#include <lua.h>"))
    assert.matches("src/bind alone", complaint("src/graph/tape.c", "#include <lauxlib.h>"))
    assert.matches("src/kernel alone", complaint("src/op/linear.c", "#include <cblas.h>"))
    assert.matches("src/kernel alone", complaint("src/bind/core.c", "#include <immintrin.h>"))
    assert.matches("src/base alone", complaint("src/bind/core.c", "#include <zlib.h>"))
    assert.is_nil(complaint("src/bind/core.c", "#include <lua.h>"))
    assert.is_nil(complaint("src/kernel/gemm.c", "#include <cblas.h>"))
  end)

  it("refuses calls that end or litter the host, and a second allocator", function()
    for _, call in ipairs { "abort()", "exit(1)", "assert(x)", 'printf("x")', "srand(1)",
      'fprintf(stderr, "x")' } do
      local name <const> = call:match "^%w+"
      assert.matches("^src/op/x.c:2: calls " .. name,
        complaint("src/op/x.c", "int f(void) {\n  " .. call .. ";\n}"))
    end
    assert.matches("calls malloc", complaint("src/op/x.c", "p = malloc(3);"))
    assert.is_nil(complaint("src/base/memory.c", "p = malloc(3);"))
  end)

  it("is not taken in by comments, strings and longer names", function()
    assert.is_nil(complaint("src/op/x.c", [[
      /* never abort() or #include "bind/bind.h"
      #include "bind/bind.h"
      */
      // exit(1)
      const char *s = "printf(\"x\") and /* no comment";
      char quote = '"';
      snprintf(text, 3, "x"); on_exit_(1); static_assert(1, "");
    ]]))
    assert.matches("calls abort", complaint("src/op/x.c", [[ char *s = "/*"; abort(); ]]))
  end)

  it("refuses C that stands on no floor", function()
    assert.matches("is on no floor", complaint("src/extra/x.c", ""))
    assert.matches("is on no floor", complaint("src/x.c", ""))
  end)
end)

describe("floors of the Lua side", function()
  it("lets the library use itself, the core and dkjson, and nothing else", function()
    assert.is_nil(complaint("lua/mlp/io/npy.lua",
      'local a = require "mlp.core"\nlocal b = require("mlp.errors")\nrequire "dkjson"'))
    assert.equal("lua/mlp/x.lua:2: requires 'spec.support.cases': lua may not use spec",
      complaint("lua/mlp/x.lua", '\nlocal c = require "spec.support.cases"'))
    assert.matches("not among the libraries", complaint("lua/mlp/x.lua", "require 'lfs'"))
  end)

  it("keeps examples to the public face and leaves the core to specs and benchmarks", function()
    assert.is_nil(complaint("examples/xor.lua", 'local mlp = require "mlp"'))
    assert.matches("public face", complaint("examples/xor.lua", 'require "mlp.core".debug.x()'))
    assert.is_nil(complaint("bench/ops.lua", 'require "mlp.core"'))
    assert.is_nil(complaint("spec/op/linear_spec.lua",
      'require "mlp.core"\nrequire "spec.support.cases"\nrequire "luassert"'))
    assert.matches("bench may not use spec", complaint("bench/ops.lua", 'require "spec.x"'))
    assert.is_nil(complaint("spec/bench/count_spec.lua", 'require "bench.count"'))
  end)

  it("reads neither comments nor strings", function()
    assert.is_nil(complaint("lua/mlp/x.lua", '--[==[ ]] require "lfs" ]==]\n-- require "lfs"'))
    assert.is_nil(complaint("lua/mlp/x.lua", [==[f("require 'lfs'", [[require "lfs"]], "\\"")]==]))
    assert.matches("requires 'lfs'", complaint("lua/mlp/x.lua", [[f("--", '"') require("lfs")]]))
  end)
end)
