local symbols <const> = require "spec.lint.symbols"

-- One line as `nm --format=sysv` prints it.
local function line(name, kind, section)
  return ("%-20s|0000000000000000|   x  |%18s|0000000000000008|     |%s\n"):format(name, kind,
    section)
end

describe("symbols of an object", function()
  it("may be code, constants, and names of the C library", function()
    assert.same({}, symbols.check_object("x.o", "Symbols from x.o:\n\nName  Value  Class\n\n"
      .. line("mlp_take", "FUNC", ".text") .. line("names", "OBJECT", ".data.rel.ro.local")
      .. line("table.2", "OBJECT", ".rodata") .. line("memcpy", "NOTYPE", "*UND*")
      .. line(".data", "SECTION", ".data")))
  end)

  it("may not be writable data, static, thread-local or common", function()
    for _, section in ipairs { ".data", ".bss", ".tbss", ".tdata", ".data.hot", "*COM*" } do
      assert.same({ "x.o: calls is writable data (" .. section .. "): it belongs in a context" },
        symbols.check_object("x.o", line("calls", "OBJECT", section)))
    end
    assert.equal(1, #symbols.check_object("x.o", line("calls.17", "OBJECT", ".bss")))
  end)

  it("may be writable where the list gives a reason", function()
    for name, reason in pairs(symbols.WRITABLE) do
      assert.is_true(#reason > 20)
      assert.same({}, symbols.check_object("x.o", line(name .. ".3", "OBJECT", ".bss")))
    end
  end)

  it("may not refer to what ends or litters the host", function()
    assert.matches("refers to __assert_fail",
      symbols.check_object("x.o", line("__assert_fail", "NOTYPE", "*UND*"))[1])
  end)
end)

describe("symbols of the module", function()
  it("are luaopen_* alone", function()
    assert.same({}, symbols.check_module("core.so", "0000000000001139 T luaopen_mlp_core\n", ""))
    assert.same({ "core.so: exports mlp_take: a host should see luaopen_* alone" },
      symbols.check_module("core.so", "0000000000001139 T mlp_take\n", ""))
  end)

  it("are all defined, but for those of the system and of the host's Lua", function()
    assert.same({}, symbols.check_module("core.so",
      "                 U lua_gettop\n                 w __gmon_start__\n", ""))
    assert.same({ "core.so: refers to mlp_row_add, which no file defines: it will not load" },
      symbols.check_module("core.so", "                 U mlp_row_add\n", ""))
  end)

  it("do not come from a second Lua", function()
    assert.equal(1, #symbols.check_module("core.so", "",
      "  NEEDED               liblua5.4.so.0\n  NEEDED               libc.so.6\n"))
  end)
end)
