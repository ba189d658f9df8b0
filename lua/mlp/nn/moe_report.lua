--- What a router does with a batch, as text for people.

local core <const> = require "mlp.core"
local errors <const> = require "mlp.errors"

local report = {}

local BAR <const> = 30 -- characters of the longest bar

--- Each expert's tokens, those of the highest weight first: {[expert] = {{token, weight}, ...}}.
local function members_of(experts, auxiliary, weight)
  local members <const> = {}
  for i = 1, experts do members[i] = {} end
  local chosen <const> = auxiliary.expert and auxiliary.expert:totable() or {}
  for t, row in ipairs(chosen) do
    for k, expert in ipairs(row) do table.insert(members[expert], { t, weight[t][k] }) end
  end
  for _, list in ipairs(members) do
    table.sort(list, function(a, b) return a[2] > b[2] or a[2] == b[2] and a[1] < b[1] end)
  end
  return members
end

local function samples_of(list, labels, most)
  local words <const>, seen <const> = {}, {}
  for _, member in ipairs(list) do
    local label <const> = tostring(labels[member[1]])
    if not seen[label] and #words < most then
      seen[label] = true
      words[#words + 1] = label
    end
  end
  return table.concat(words, "  ")
end

local function look(moe, x, tokens)
  local modes <const> = { [moe] = moe.training }
  for _, module in moe:named_modules() do modes[module] = module.training end
  local _ <close> = setmetatable({}, { __close = function()
    for module, mode in pairs(modes) do module.training = mode end
  end })
  moe:eval()
  local weight
  local hook <close> = moe.router:hook("", function(routing) weight = routing.weight end)
  local no_grad <close> = core.no_grad_scope()
  local _, auxiliary <const> = moe(x, tokens)
  assert(hook and no_grad)
  return auxiliary, weight:totable()
end

--- See MoE:report.
---@param moe mlp.nn.MoE
---@param x mlp.Tensor
---@param options table?
---@return string
function report.text(moe, x, options)
  local o <const> = errors.options("report", options,
    { labels = errors.NONE, samples = 5, tokens = errors.NONE })
  local auxiliary <const>, weight <const> = look(moe, x, o.tokens)
  local load <const> = auxiliary.load:totable()
  local most, total, dead = 1, 0, {}
  for i, n in ipairs(load) do
    most, total = math.max(most, n), total + n
    if n == 0 then dead[#dead + 1] = i end
  end
  local members <const> = o.labels and members_of(moe.count, auxiliary, weight)
  local head <const> = "%d tokens, %d choices; largest load %.2f x mean, %.1f %% dropped"
  local lines <const> = { head:format(x:numel() // x:size(-1), total, auxiliary.violation:item(),
    100 * auxiliary.dropped:item()) }
  for i, n in ipairs(load) do
    lines[#lines + 1] = ("%4d %6d %5.1f %% %-" .. BAR .. "s %s"):format(i, n,
      100 * n / math.max(total, 1), ("#"):rep(math.floor(BAR * n / most + 0.5)),
      members and samples_of(members[i], o.labels, o.samples) or ""):gsub("%s+$", "")
  end
  lines[#lines + 1] = #dead == 0 and "no expert is dead"
    or "dead, chosen by no token: " .. table.concat(dead, ", ")
  if auxiliary.entropy then
    lines[#lines + 1] = ("entropy of the scores %.3f nats of at most %.3f"):format(
      auxiliary.entropy:item(), math.log(moe.count))
  end
  return table.concat(lines, "\n")
end

return report
