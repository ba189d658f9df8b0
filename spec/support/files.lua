-- Help for the specs of readers and writers: golden files, temporary files, and hostile versions
-- of a good file, which must be answered by nil and a sentence (or, where the damage is harmless,
-- a value).
local assert <const> = require "luassert"
local core <const> = require "mlp.core"

local files = {}

---@param path string
---@return string
function files.read(path)
  local handle <close> = assert(io.open(path, "rb"))
  return handle:read("a")
end

---@param path string
---@param bytes string
function files.write(path, bytes)
  local handle <close> = assert(io.open(path, "wb"))
  assert(handle:write(bytes))
end

---@param name string
---@return string path in spec/golden/files
function files.golden(name) return "spec/golden/files/" .. name end

--- A path to write to; the caller removes it.
---@return string
function files.temporary()
  local path <const> = os.tmpname()
  os.remove(path)
  return path
end

-- A reader may need some working space of its own, but nothing near what a lying header asks for.
local MOST <const> = 1 << 20

--- nil and a sentence that has the pattern; and no memory in the size of a claim.
---@param pattern string
---@param decode fun(...): any, string?
function files.refused(pattern, decode, ...)
  local before <const> = core.memory().bytes
  core.memory("reset_peak")
  local value <const>, message <const> = decode(...)
  assert.is_nil(value)
  assert.matches(pattern, message)
  assert.is_true(core.memory().peak - before < MOST)
end

--- Every file that is cut short is refused.
---@param bytes string
---@param decode fun(bytes: string): any, string?
function files.refuses_truncation(bytes, decode)
  assert.is_truthy(decode(bytes))
  for length = 0, #bytes - 1 do
    local value <const>, message <const> = decode(bytes:sub(1, length))
    assert.is_nil(value, ("cut to %d bytes"):format(length))
    assert.is_string(message)
  end
end

local DAMAGE <const> = { 0, 1, 0x7f, 0x80, 0xff, 0x20, 0x39 }

--- With any byte changed there is a value, or nil and a sentence, never an error.
---@param bytes string
---@param decode fun(bytes: string): any, string?
---@return integer refused count of changes that were refused
function files.survives_damage(bytes, decode)
  local refused = 0
  core.memory("reset_peak")
  local before <const> = core.memory().bytes
  for at = 1, #bytes do
    if at % 16 == 0 then collectgarbage() end -- what is measured is one reading, not their garbage
    for _, byte in ipairs(DAMAGE) do
      local value <const>, message <const> =
        decode(bytes:sub(1, at - 1) .. string.char(byte) .. bytes:sub(at + 1))
      if value == nil then
        assert.is_string(message)
        refused = refused + 1
      end
    end
  end
  assert.is_true(core.memory().peak - before < MOST)
  return refused
end

--- Runs `work` once for each allocation that it makes, with that one and all later ones failing:
--- each run raises, until one passes; and nothing stays behind.
---@param work fun()
---@return integer failures
function files.survives_no_memory(work)
  local failures = 0
  collectgarbage()
  collectgarbage()
  local before <const> = core.memory().bytes
  repeat
    core.debug.fail_after(failures)
    local ok <const>, message <const> = pcall(work)
    core.debug.fail_after()
    if not ok then
      assert.matches("out of memory", message)
      failures = failures + 1
    end
    collectgarbage()
    collectgarbage()
    assert.are.equal(before, core.memory().bytes)
  until ok
  return failures
end

--- The folder of the real data, or nil.
---@return string?
function files.data() return os.getenv "MLP_DATA" end

--- Runs `work` under a locale that writes 0,5 for a half; false when this system has none.
---@param work fun()
---@return boolean
function files.under_comma(work)
  local before <const> = os.setlocale(nil, "numeric")
  local found = false
  for _, name in ipairs { "de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "ru_RU.UTF-8", "de_DE" } do
    found = found or os.setlocale(name, "numeric") ~= nil
  end
  if not found then return false end
  local ok <const>, message <const> = pcall(work)
  os.setlocale(before, "numeric")
  if not ok then error(message, 0) end
  return true
end

return files
