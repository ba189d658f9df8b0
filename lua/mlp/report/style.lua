-- How a report looks: one column of text, tables without boxes, figures that may be a little wider
-- than the text; on paper black on white, with nothing torn in two. The colours are those of the
-- figures.

local theme <const> = require "mlp.plot.theme"

local RULES <const> = [[
body { margin: 0 auto; padding: 2.5rem 1.25rem 5rem; max-width: 56rem; background: $paper;
  color: $ink; font: 1rem/1.55 $font; }
header { margin-bottom: 2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .6rem; border-bottom: 1px solid $grid; }
h3 { font-size: 1.1rem; margin: 2rem 0 .4rem; }
h4 { font-size: 1rem; margin: 1.5rem 0 .3rem; color: $soft; }
.subtitle { margin: 0; color: $soft; font-size: 1.1rem; }
p, ul, ol { margin: .7rem 0; max-width: 46rem; }
a { color: $link; }
:target { background: #fdf3d7; }
nav { margin: 1.5rem 0; padding: .3rem 0 .3rem 1rem; border-left: 3px solid $grid; }
nav ul { margin: 0; padding-left: 1.2rem; list-style: none; }
nav > ul { padding-left: 0; }
nav a { text-decoration: none; }
code, pre { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  font-size: .88em; }
code { background: #f4f4f4; padding: .1em .25em; border-radius: 3px; }
pre { background: #f6f6f6; padding: .8rem 1rem; overflow-x: auto; line-height: 1.4; }
figure { margin: 1.6rem 0; overflow-x: auto; }
figure svg, figure img { display: block; max-width: 100%; height: auto; }
figcaption { margin: .5rem 0; max-width: 46rem; color: $soft; font-size: .9rem; }
figcaption b { color: $ink; }
.pixels { image-rendering: pixelated; }
table { border-collapse: collapse; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .28rem .8rem; text-align: left; vertical-align: top; }
th { border-bottom: 1.5px solid $axis; font-weight: 600; vertical-align: bottom; }
td { border-bottom: 1px solid $grid; }
th.number, td.number { text-align: right; }
.number, .figure { white-space: nowrap; }
footer { margin-top: 3rem; padding-top: .6rem; border-top: 1px solid $grid; color: $soft;
  font-size: .85rem; }
@media print {
  @page { margin: 18mm; }
  body { max-width: none; padding: 0; font-size: 10pt; color: #000000; }
  a { color: inherit; text-decoration: none; }
  h1, h2, h3, h4 { break-after: avoid; }
  figure, pre, tr { break-inside: avoid; }
  figure, pre { overflow: visible; }
  pre { white-space: pre-wrap; }
  thead { display: table-header-group; }
  :target { background: none; }
}
]]

local WORDS <const> = { paper = theme.paper, ink = theme.ink, soft = theme.soft, axis = theme.axis,
  grid = theme.grid, link = theme.palette[1], font = theme.font }

return (RULES:gsub("%$(%a+)", WORDS))
