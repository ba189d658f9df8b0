-- The command `mlp` as a shell sees it: what goes to the standard output, what to the standard
-- error, and the status.
local child <const> = require "spec.support.child"
local core <const> = require "mlp.core"
local files <const> = require "spec.support.files"
local mlp <const> = require "mlp"

local MLP <const> = "lua5.4 bin/mlp "

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Standard output, standard error, status.
local function run(line, before)
  local errors <const> = files.temporary()
  finally(function() os.remove(errors) end)
  local said <const> = child.command(("{ %s%s%s 2>%s; echo \"status $?\"; }"):format(before or "",
    MLP, line, errors))
  local output <const>, status <const> = said:match "^(.*)status (%d+)\n$"
  return output, files.read(errors), tonumber(status)
end

local function temporary(text)
  local path <const> = files.temporary()
  finally(function() os.remove(path) end)
  if text then files.write(path, text) end
  return path
end

local function rows(count)
  local lines <const> = { "a,b,kind" }
  for i = 1, count do
    lines[#lines + 1] = ("%d,%d,%s"):format(i % 10, i * 7 % 10, i % 10 < 5 and "low" or "high")
  end
  return table.concat(lines, "\n") .. "\n"
end

describe("mlp", function()
  it("tells what is in use", function()
    local output <const>, errors <const>, status <const> = run "info"
    assert.matches("^mlp %S+ on Lua 5.4", output)
    assert.equal("", errors)
    assert.equal(0, status)
    assert.equal("mlp " .. mlp.version .. "\n", (run "--version"))
  end)

  it("explains itself", function()
    local output <const>, _, status <const> = run "--help"
    for _, name in ipairs { "info", "summary", "train", "predict", "help" } do
      assert.matches("\n   " .. name, output, 1, true)
    end
    assert.equal(0, status)
    assert.matches("--probabilities", (run "predict --help"), 1, true)
  end)

  it("answers 2 for a wrong call, on the standard error", function()
    for line, words in pairs { [""] = "a command is required", trian = "unknown command 'trian'",
      ["train"] = "missing argument 'config'", ["info x"] = "too many arguments",
      ["train x -e 1.5"] = "malformed argument '1.5'", ["help --nope"] = "unknown option" } do
      local output <const>, errors <const>, status <const> = run(line)
      assert.equal("", output)
      assert.equal(2, status)
      assert.matches("mlp: " .. words, errors, 1, true)
      assert.matches("Try 'mlp --help'.", errors, 1, true)
    end
  end)

  it("helps with names", function()
    local output <const>, _, status <const> = run "help nn.Linear"
    assert.matches("mlp.nn.Linear(inputs, outputs", output, 1, true)
    assert.equal(0, status)
    local nothing <const>, errors <const>, trouble <const> = run "help nn.Linaer"
    assert.equal("", nothing)
    assert.matches("mlp: There is no help about 'nn.Linaer' (did you mean 'nn.Linear'?)", errors, 1,
      true)
    assert.equal(1, trouble)
  end)

  it("tells when it cannot write, but not when nobody reads", function()
    local _, errors <const>, status <const> = run "help >/dev/full"
    assert.equal("mlp: cannot write: No space left on device\n", errors)
    assert.equal(1, status)
    local _, quiet <const> = run("help | head -n 1 >/dev/null", "trap '' PIPE; ")
    assert.equal("", quiet)
  end)
end)

describe("mlp train and mlp predict", function()
  local function config(data, save, more)
    return temporary(("return {data = %q, save = %q, hidden = {8}, epochs = 30, lr = 0.02, %s}")
      :format(data, save, more or ""))
  end

  it("go from a table to a network to predictions", function()
    local data <const>, save <const>, page <const> = temporary(rows(120)), temporary(), temporary()
    local output, errors, status = run(("train -s 3 -r %s %s"):format(page, config(data, save)))
    assert.matches("^accuracy [%d.]+ on 24 test rows %(the commonest class: [%d.]+%)\n$", output)
    assert.matches("epoch 1  loss %S+  kept back %S+\n", errors)
    assert.equal(0, status)
    assert.matches("<title>Predicting kind</title>", files.read(page), 1, true)

    output, errors, status = run(("predict %s %s"):format(save, data))
    assert.equal("", errors)
    assert.equal(0, status)
    local right, count = 0, 0
    local truth <const> = assert(mlp.data.csv.decode(rows(120), { target = "kind" }))
    local guess <const> = assert(mlp.data.csv.decode(output, { target = "kind",
      classes = { kind = truth.classes.kind } }))
    for i, class in ipairs(guess.y:totable()) do
      right, count = right + (class == truth.y:get(i) and 1 or 0), count + 1
    end
    assert.is_true(right > 0.9 * count)

    output = run(("summary %s"):format(save))
    assert.matches("Linear(2 -> 8, tanh)", output, 1, true)
    assert.matches("predicts kind (classification) from 2 columns: a, b\nclasses: high, low\n",
      output, 1, true)
  end)

  it("read the standard input and write where they are told", function()
    local data <const>, save <const>, answer <const> = temporary(rows(60)), temporary(), temporary()
    local config_path <const> = config("-", save, "test = 0")
    local output, _, status = run(("train -q %s <%s"):format(config_path, data))
    assert.equal(0, status)
    assert.matches("^trained for %d+ epochs\n$", output)
    output, _, status = run(("predict -p -o %s %s -"):format(answer, save),
      "printf 'b,a\\n1,2\\n' | ")
    assert.equal("", output)
    assert.equal(0, status)
    local p <const> = assert(mlp.data.csv.load(answer))
    assert.same({ "kind=low", "p high", "p low" }, p.names)
    assert.is_true(math.abs(p.x:get(1, 2) + p.x:get(1, 3) - 1) < 1e-5)
    output = run("train -q - ", ("printf %%s %s | "):format(quoted(files.read(config_path)
      :gsub('data = "%-"', ("data = %q"):format(data)))))
    assert.matches("trained for", output, 1, true)
  end)

  it("ask a network that knows no table for its outputs", function()
    local path <const> = temporary()
    local layer <const> = mlp.nn.Linear(2, 1)
    layer.weight:requires_grad_(false):copy_(core.tensor { { 2, 0.5 } })
    layer.bias:requires_grad_(false):copy_(core.tensor { 1 })
    assert(layer:save(path))
    assert.equal("output 1\n3.25\n1\n",
      (run(("predict %s -"):format(path), "printf '1,0.5\\n0,0\\n' | ")))
    local _, errors <const>, status <const> = run(("predict %s -"):format(path),
      "printf '1,2,3\\n' | ")
    assert.matches("the network does not take the 3 columns", errors, 1, true)
    assert.equal(1, status)
  end)

  it("answer 1 and a sentence for trouble with files", function()
    local data <const> = temporary(rows(30))
    local function trouble(words, line)
      local output <const>, errors <const>, status <const> = run(line)
      assert.equal("", output)
      assert.equal(1, status)
      assert.matches("^mlp: ", errors)
      assert.matches(words, errors, 1, true)
      assert.is_nil(errors:find("stack traceback", 1, true))
    end
    trouble("cannot open", "train /no/such/config.lua")
    trouble("unexpected symbol", "train " .. temporary "return {")
    trouble("a table is wanted", "train " .. temporary "return 3")
    trouble("data is nil but the name", "train " .. temporary "return {}")
    trouble(":1: my own mistake", "train " .. temporary "error 'my own mistake'")
    trouble("mlp: tabular.fit: unknown option 'hiden' (did you mean 'hidden'?)",
      "train " .. temporary(("return {data = %q, hiden = {3}}"):format(data)))
    trouble("cannot open '/no/such.csv'", "train " .. temporary "return {data = '/no/such.csv'}")
    trouble("cannot open '/no/model'", "predict /no/model " .. data)
    trouble("not a safetensors file but text", "summary " .. data)
    local path <const> = temporary()
    assert(mlp.io.safetensors.save(path, { a = core.zeros(2) }))
    trouble("does not say how its model is made", ("predict %s %s"):format(path, data))
  end)
end)

describe("mlp summary", function()
  it("lists the tensors of any file, also from a pipe", function()
    local path <const> = temporary()
    assert(mlp.io.safetensors.save(path, { ["a.weight"] = core.zeros(3, 4), n = core.zeros({ 2 },
      { dtype = "int64" }) }, { dtype = "bfloat16", metadata = { note = "mine" } }))
    local output <const>, _, status <const> = run("summary " .. path)
    assert.matches("a.weight  bfloat16  %(3, 4%)%s+24\n", output)
    assert.matches("2 tensors, 14 numbers, 40 bytes\nnote: mine\n", output, 1, true)
    assert.equal(0, status)
    assert.equal(output, (run("summary - <" .. path)))
  end)
end)
