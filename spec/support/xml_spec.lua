-- The reader of XML refuses what a browser would refuse; else the specs of pictures prove nothing.

local xml <const> = require "spec.support.xml"

describe("the XML reader of the specs", function()
  it("reads elements, attributes and texts", function()
    local root <const> = xml.parse '<a x="1 &amp; 2"><b/>t&lt;u<b y="3">v</b></a>\n'
    assert.equal("1 & 2", root.attributes.x)
    assert.equal("t<uv", root.text)
    assert.equal(2, #root:all "b")
    assert.equal("v", root:find("b", { y = "3" }).text)
  end)

  it("refuses what is not well-formed", function()
    for source, why in pairs {
      ["<a>"] = "not closed", ["<a></b>"] = "closes what", ["<a/><b/>"] = "not one root",
      ["<a x=1/>"] = "attributes", ['<a x="1" x="2"/>'] = "twice", ["<a>&</a>"] = "bare &",
      ["<a>&nbsp;</a>"] = "entity", ["<a>\1</a>"] = "forbidden", ["<a>\xE9</a>"] = "UTF%-8",
      ["x<a/>"] = "outside", ["<a/>x"] = "outside", [""] = "not one root", ["<a><</a>"] = "bare <",
      ["< a/>"] = "not a tag",
    } do
      assert.error_matches(function() xml.parse(source) end, why, nil, nil, source)
    end
  end)
end)
