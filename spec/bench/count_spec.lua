--- Operations of the benchmark's workloads, worked out by hand from the rule of bench/count.lua.
local count <const> = require "bench.count"
local workloads <const> = require "bench.workloads"

local by_id <const> = {}
for _, row in ipairs(workloads) do by_id[row.id] = row end

local MILLIONS <const> = { -- 6 B sum(in out), less 2 B in out where no input gradient is needed
  W2 = (6 * 64 * (784 * 128 + 128 * 10) - 2 * 64 * 784 * 128) / 1e6,
  W4 = 65536 * (6 * (2 * 64 + 3 * 64 * 64 + 64 * 3) - 2 * 2 * 64) / 1e6,
  W6 = 6 * 512 * 2 * 768 * 3072 / 1e6,
  W7 = 512 * 288 * 768 * (4 + 4 + 6) / 1e6,
  W8 = 1024 * 2 * 256 * 1024 * (4 + 4 + 6) / 1e6,
  W9a = 2 * (784 * 128 + 128 * 10) / 1e6,
  W9b = 2 * 2 * 768 * 3072 / 1e6,
  W11a = 529 * (4 * 46 * 512 + 6 * 512 * 23) / 1e6,
  W12 = 2 * 10000 * (784 * 512 + 512 * 512 + 512 * 10) / 1e6,
  nerf = 1024 * 64 * (4 * 63 * 128 + 6 * (4 * 128 * 128 + 128 + 155 * 64 + 64 * 3)) / 1e6,
  matmul = 2 * 1024 ^ 3 / 1e6,
  add = 0,
}

describe("the benchmark's workloads", function()
  for id, millions in pairs(MILLIONS) do
    it(id .. " counts its operations", function()
      assert.near(millions, count.flops(by_id[id]) / 1e6, 1e-9)
    end)
  end

  it("have different names and are whole", function()
    local seen <const> = {}
    for _, row in ipairs(workloads) do
      assert.is_nil(seen[row.id], row.id)
      seen[row.id] = true
      assert.equal(row.optimizer ~= nil, row.lr ~= nil, row.id)
      assert.is_true(row.loss ~= nil or row.optimizer == nil, row.id)
      assert.is_true(count.flops(row) >= 0, row.id)
    end
  end)
end)
