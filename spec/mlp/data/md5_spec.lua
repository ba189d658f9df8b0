-- The test suite of RFC 1321, and every length around the edges of a block.
local md5 <const> = require "mlp.data.md5"

describe("md5", function()
  it("agrees with RFC 1321", function()
    for text, sum in pairs {
      [""] = "d41d8cd98f00b204e9800998ecf8427e",
      ["a"] = "0cc175b9c0f1b6a831c399e269772661",
      ["abc"] = "900150983cd24fb0d6963f7d28e17f72",
      ["message digest"] = "f96b697d7cb7938d525a2f31aaf161d0",
      ["abcdefghijklmnopqrstuvwxyz"] = "c3fcd3d76192e4007dfb496cca67e13b",
      [("1234567890"):rep(8)] = "57edf4a22be3c955ac49da2e2107b67a",
    } do
      assert.are.equal(sum, md5(text))
    end
  end)

  it("agrees with Python around the edges of a block", function()
    local sums <const> = {}
    for length = 54, 66 do sums[#sums + 1] = md5(("x"):rep(length)) end
    -- hashlib.md5("".join(hashlib.md5(b"x" * n).hexdigest() for n in range(54, 67)).encode())
    assert.are.equal("18eb743f21ed4a3382485f031091ed04", md5(table.concat(sums)))
  end)
end)
