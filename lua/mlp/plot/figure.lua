-- A finished picture: a size, and a function that draws it on a canvas. Everything that can be
-- wrong was checked by the call that made it, so drawing cannot fail and draws the same each time.

local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local file <const> = require "mlp.io.file"
local svg <const> = require "mlp.plot.svg"
local theme <const> = require "mlp.plot.theme"

---@class mlp.plot.Figure
---@field width number   natural size, in pixels; the picture scales without loss
---@field height number
---@field title string?
local Figure = {}
Figure.__index = Figure
Figure.__name = "mlp.plot.Figure"

local figure = {}

local OTHER_FORMATS <const> = { png = true, jpg = true, jpeg = true, gif = true, pdf = true,
  eps = true, webp = true }

--- A figure from a drawing function.
---@param width number
---@param height number
---@param options {title: string?, background: string?}
---@param draw fun(canvas: mlp.plot.Canvas)
---@return mlp.plot.Figure
function figure.new(width, height, options, draw)
  return setmetatable({ width = width, height = height, title = options.title,
    background = options.background, draw_on = draw }, Figure)
end

---@param value any
---@return boolean
function figure.is(value)
  return getmetatable(value) == Figure
end

--- Draws at the canvas's origin: what `svg` and a grid of figures do.
---@param canvas mlp.plot.Canvas
function Figure:draw(canvas)
  if self.background ~= "none" then
    canvas:add("rect", { width = self.width, height = self.height,
      fill = self.background or theme.paper })
  end
  self.draw_on(canvas)
end

--- The figure as the text of an SVG document.
---@return string
function Figure:svg()
  local canvas <const> = svg.new()
  self:draw(canvas)
  return canvas:document(self.width, self.height, self.title)
end

--- Writes the figure as an SVG file: aside first, then renamed, so a reader never sees half of it.
--- Raises when the path asks for another format.
---@param path string
---@return true? ok
---@return string? message  why the file could not be written
function Figure:save(path)
  if type(path) ~= "string" then errors.wanted("figure:save", "path", path, "a text") end
  local extension <const> = path:match "%.(%w+)$"
  if extension and OTHER_FORMATS[extension:lower()] then
    errors.raise("figure:save: '%s' asks for %s but figures are SVG: end the name in .svg", path,
      extension:upper())
  end
  local document <const> = self:svg()
  return file.write("figure:save", path, function(handle) return handle:write(document) end)
end

function Figure:__tostring()
  return ("mlp.plot.Figure(%d x %d%s)"):format(self.width // 1, self.height // 1,
    self.title and ", '" .. self.title .. "'" or "")
end

--- Options that every figure takes.
figure.options = {
  title = errors.NONE, subtitle = errors.NONE, width = errors.NONE, height = errors.NONE,
  background = theme.paper,
}

--- Checks the options that every figure takes; texts become strings.
---@param call string
---@param options table
---@return table options
function figure.check(call, options)
  options.title = data.text(call, "title", options.title)
  options.subtitle = data.text(call, "subtitle", options.subtitle)
  data.positive(call, "width", options.width)
  data.positive(call, "height", options.height)
  return options
end

--- The union of tables of options.
---@param ... table
---@return table
function figure.merge(...)
  local all <const> = {}
  for _, options in ipairs { ... } do
    for name, value in pairs(options) do all[name] = value end
  end
  return all
end

return figure
