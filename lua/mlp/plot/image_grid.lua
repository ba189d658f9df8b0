-- Many small images: digits, mistakes, the weights of a first layer. All share one scale unless
-- told otherwise, because pictures side by side are compared.

local axis <const> = require "mlp.plot.axis"
local colour <const> = require "mlp.plot.colour"
local colourbar <const> = require "mlp.plot.colourbar"
local data <const> = require "mlp.plot.data"
local errors <const> = require "mlp.errors"
local figure <const> = require "mlp.plot.figure"
local header <const> = require "mlp.plot.header"
local raster <const> = require "mlp.plot.raster"
local text <const> = require "mlp.plot.text"
local theme <const> = require "mlp.plot.theme"

local CALL <const> = "plot.image_grid"
local WANTED <const> =
  "images (N, H, W), (N, H, W, 3), or a list of (H, W) or (H, W, 3)"
local SMALLEST <const>, LARGEST <const> = 24, 132 -- pixels of an image's longer side

local options_of_its_own <const> = {
  columns = errors.NONE, captions = errors.NONE, caption_colours = errors.NONE, size = errors.NONE,
  gap = 10, colours = errors.NONE, limits = "all",
}

local function depth(value)
  local levels = 0
  while type(value) == "table" do value, levels = value[1], levels + 1 end
  return levels
end

local function innermost(value)
  while type(value[1]) == "table" do value = value[1] end
  return #value
end

--- One image: its numbers row by row, the three of a colour side by side.
---@class mlp.plot.Image
---@field height integer
---@field width integer
---@field channels integer
---@field [integer] number

local function add_numbers(image, row, i)
  for _, item in ipairs(row) do
    for _, value in ipairs(type(item) == "table" and item or { item }) do
      if math.type(value) == nil then
        errors.wanted(CALL, ("a pixel of image %d"):format(i), value, "a number")
      end
      image[#image + 1] = value
    end
  end
end

--- `given` is what the caller wrote, for the message.
local function read_image(nested, i, given)
  local function refuse()
    errors.wanted(CALL, given.what or ("image %d"):format(i), given.value,
      given.what and WANTED or "(H, W), (H, W, 1) or (H, W, 3)")
  end
  local levels <const> = depth(nested)
  local channels <const> = levels == 3 and innermost(nested) or 1
  if levels < 2 or levels > 3 or channels ~= 1 and channels ~= 3 then refuse() end
  local image <const> = { height = #nested, width = #nested[1], channels = channels }
  for _, row in ipairs(nested) do
    if type(row) ~= "table" then refuse() end
    add_numbers(image, row, i)
  end
  if #image == 0 or #image ~= image.height * image.width * channels then refuse() end
  return image
end

local function is_bytes(value)
  return type(value) == "userdata" and value.dtype == "uint8"
end

--- Whether nested tables are many images: (H, W, 3) and (H, W, 1) are one.
local function are_many(nested)
  local levels <const> = depth(nested)
  if levels ~= 3 then return levels == 4 end
  local last <const> = innermost(nested)
  return last ~= 3 and last ~= 1
end

local function read_images(list)
  local nested, given = {}, nil
  for i, item in ipairs(list) do nested[i] = data.plain(item) end
  if #nested == 1 then
    given = { what = "argument 1", value = list[1] }
    if are_many(nested[1]) then nested = nested[1] end
  end
  local images <const> = {}
  for i, item in ipairs(nested) do images[i] = read_image(item, i, given or { value = list[i] }) end
  return images, is_bytes(list[1])
end

--- The numbers shown as the two ends of the scale.
local function limits_of(images, channels, bytes)
  local chosen <const> = {}
  for _, image in ipairs(images) do
    if image.channels == channels then chosen[#chosen + 1] = image end
  end
  local lo <const>, hi <const> = data.extent(chosen)
  if bytes or channels == 3 and hi and hi > 1 then return 0, 255 end
  if channels == 3 or lo and lo >= 0 and hi <= 1 then return 0, 1 end
  return lo or 0, hi or 1
end

local function scale_for(images, options, bytes)
  local lo, hi = limits_of(images, 1, bytes)
  if type(options.limits) == "table" then lo, hi = options.limits[1], options.limits[2] end
  local given <const> = type(options.limits) == "table" and options.limits or nil
  return colourbar.from(CALL, { colours = options.colours or lo < 0 and "diverging" or "grey",
    limits = given }, lo, hi)
end

local function grey_pixels(image, bar)
  local pixel <const> = raster.painter(bar.map.grey)
  local pixels <const> = {}
  for i, value in ipairs(image) do pixels[i] = pixel[colourbar.colour_of(bar, value)] end
  return pixels
end

local function colour_pixels(image, hi)
  local function byte(value)
    if not axis.drawable(value) then return 0 end
    return math.floor(255 * math.max(0, math.min(1, value / hi)) + 0.5)
  end
  local pixels <const> = {}
  for i = 1, #image, 3 do
    pixels[#pixels + 1] = string.char(byte(image[i]), byte(image[i + 1]), byte(image[i + 2]))
  end
  return pixels
end

local function paint_all(images, options, bytes)
  local _, brightest <const> = limits_of(images, 3, bytes)
  local shared <const> = scale_for(images, options, bytes)
  local painted <const> = {}
  for i, image in ipairs(images) do
    if image.channels == 3 then
      painted[i] = colour_pixels(image, brightest)
    else
      painted[i] = grey_pixels(image, options.limits == "each"
        and scale_for({ image }, options, bytes) or shared)
    end
  end
  return painted
end

local function check(given)
  local options <const> = figure.check(CALL, errors.options(CALL, given,
    figure.merge(figure.options, options_of_its_own)))
  for _, name in ipairs { "columns", "size" } do data.positive(CALL, name, options[name]) end
  if options.columns and math.type(options.columns) ~= "integer" then
    errors.wanted(CALL, "columns", options.columns, "a whole number")
  end
  if type(options.limits) ~= "table" then
    data.choice(CALL, "limits", options.limits, { "all", "each" })
  end
  if not math.type(options.gap) or options.gap < 0 then
    errors.wanted(CALL, "gap", options.gap, "a number of pixels")
  end
  return options
end

local function split_lines(captions)
  local all <const> = {}
  for i, caption in ipairs(captions or {}) do
    all[i] = {}
    for line in (text.clean(caption) .. "\n"):gmatch "(.-)\n" do table.insert(all[i], line) end
  end
  return all
end

local function caption_size(captions)
  local widest, most = 0, 0
  for _, lines in ipairs(captions) do
    widest = math.max(widest, text.widest(lines, theme.caption))
    most = math.max(most, #lines)
  end
  return widest, most * theme.line(theme.caption)
end

--- Sizes of cells: the images keep their proportions, captions their place below.
local function arrange(images, options, captions)
  local columns <const> = math.min(options.columns or math.ceil(math.sqrt(#images)), #images)
  local wide <const>, high <const> = caption_size(captions)
  local room <const> = ((options.width or theme.width) - 2 * theme.pad + options.gap) / columns
    - options.gap
  local size <const> = options.size
    or math.floor(math.max(SMALLEST, math.min(LARGEST, room)))
  local tallest, widest = 0, 0
  for _, image in ipairs(images) do
    local unit <const> = size / math.max(image.height, image.width)
    tallest = math.max(tallest, unit * image.height)
    widest = math.max(widest, unit * image.width)
  end
  local layout <const> = { columns = columns, size = size, image_height = tallest,
    cell_width = math.max(widest, math.min(wide, 1.5 * size)),
    cell_height = tallest + (high > 0 and high + 3 or 0) }
  layout.rows = math.ceil(#images / columns)
  layout.grid_width = columns * (layout.cell_width + options.gap) - options.gap
  layout.width = options.width or math.max(260, math.ceil(layout.grid_width + 2 * theme.pad))
  layout.header = header.new(options, layout.width)
  layout.top = layout.header.bottom + 2
  layout.height = options.height or math.ceil(layout.top + theme.pad
    + layout.rows * (layout.cell_height + options.gap) - options.gap)
  return layout
end

local function draw_cell(canvas, image, pixels, layout, cell)
  local unit <const> = layout.size / math.max(image.height, image.width)
  local width <const>, height <const> = unit * image.width, unit * image.height
  raster.draw(canvas, pixels, image.height, image.width,
    { x = cell.x + (layout.cell_width - width) / 2, y = cell.y + (layout.image_height - height) / 2,
      width = width, height = height })
  local lines <const> = {}
  for i, line in ipairs(cell.caption or {}) do
    lines[i] = text.ellipsis(line, theme.caption, layout.cell_width + 4)
  end
  canvas:lines(cell.x + layout.cell_width / 2, cell.y + layout.image_height + 3, lines,
    theme.caption, { anchor = "middle", fill = cell.ink })
end

---@class mlp.plot.ImageGridOptions
---@field columns integer?           default about as many as rows
---@field captions string[]?         one below each image; "\n" starts another line
---@field caption_colours string[]?  one for each caption
---@field size number?               pixels of an image's longer side; default fits 640
---@field gap number?                pixels between images, default 10
---@field colours string|string[]|nil  as in mlp.plot.heatmap; default "grey", or "diverging" where
--- there are numbers below zero
---@field limits "all"|"each"|number[]|nil  one scale for all (default), one each, or {low, high}
---@field title string?
---@field subtitle string?
---@field width number?
---@field height number?
---@field background string?

--- A grid of images: a tensor (N, H, W) or (N, H, W, 3), or a list of images (H, W), (H, W, 3).
--- Bytes run from 0 to 255; other numbers from 0 to 1 where they lie there, else over the data.
---
---     mlp.plot.image_grid{ x:reshape(-1, 8, 8), captions = answers, title = "Mistakes" }
---@param arguments table  the images first, then mlp.plot.ImageGridOptions
---@return mlp.plot.Figure
local function image_grid(arguments)
  local list <const>, given <const> = data.split(CALL, arguments, WANTED)
  local options <const> = check(given)
  local images <const>, bytes <const> = read_images(list)
  local captions <const> = split_lines(data.texts(CALL, "captions", options.captions, #images))
  local inks <const> = data.texts(CALL, "caption_colours", options.caption_colours, #images) or {}
  for i, ink in ipairs(inks) do colour.check(CALL, ("caption_colours[%d]"):format(i), ink) end
  local painted <const> = paint_all(images, options, bytes)
  local layout <const> = arrange(images, options, captions)
  return figure.new(layout.width, layout.height, options, function(canvas)
    header.draw(canvas, layout.header)
    for i, image in ipairs(images) do
      local column <const>, row <const> = (i - 1) % layout.columns, (i - 1) // layout.columns
      draw_cell(canvas, image, painted[i], layout, {
        x = theme.pad + column * (layout.cell_width + options.gap),
        y = layout.top + row * (layout.cell_height + options.gap),
        caption = captions[i], ink = inks[i],
      })
    end
  end)
end

return image_grid
