---@meta _
--- What C offers beside the operations: tensors made from Lua values and read back, gradients,
--- random numbers, memory. Declarations for editors, mlp.help and the reference; never run.
-- luacheck: ignore

---@alias mlp.Dtype "float32"|"float64"|"int64"|"uint8"
---@alias mlp.Encoding "int8"|"int16"|"int24"|"int32"|"uint16"|"uint32"|"float16"|"bfloat16"
---@alias mlp.Index integer|table|mlp.Tensor a position, positions per axis, or a mask

---@class mlp.TensorOptions
---@field dtype mlp.Dtype? default "float32", unless the function says otherwise
---@field requires_grad boolean? whether it collects a gradient; default false; floats only

--- An array of numbers of one dtype. Axes and positions count from 1, -1 is the last; ranges
--- include both ends.
---
---     x[i]                 a view; x[#x + 1] is nil, so that ipairs ends
---     x[{2, {1, 3}, {}}]   an axis at a time: one position, a range, all
---     x[{{1, 9, 2}}]       a range with a step
---     x[mask]              elements where a uint8 mask of x's shape is not 0
---     x[positions]         rows at int64 positions
---     x[...] = v           writes a number or a tensor; not by positions
---
--- Arithmetic is elementwise and broadcasts: + - * / ^ % // and unary -; & | ~ are for masks. A Lua
--- number takes the tensor's dtype; two tensors of different dtypes are refused (x:to converts).
--- == asks whether both are the same view of the same memory; x:eq(y) compares elements.
---@class mlp.Tensor
---@field shape integer[] a fresh table of the lengths of the axes
---@field dtype mlp.Dtype
---@field ndim integer number of axes
---@field grad mlp.Tensor? gradient that backward added up; x.grad = nil clears it
---@field requires_grad boolean whether a gradient flows here: a leaf that asks for one, or made
---  from such
---@field is_leaf boolean made by no recorded operation
---@field version integer how often its storage was changed in place
---@field [mlp.Index] mlp.Tensor
local Tensor = {}

---@class mlp
local mlp = {}

-- ---- from Lua values ----------------------------------------------------------------------------

--- A tensor of the numbers in nested tables, all branches equally long; or of one number, without
--- axes. true and false are 1 and 0. A tensor is copied, without its history and in its own dtype
--- unless another is asked for.
---
---     mlp.tensor{{0, 0}, {0, 1}}              float32 (2, 2)
---     mlp.tensor({1, 3, 2}, {dtype = "int64"})
---@param numbers table|number|boolean|mlp.Tensor
---@param options mlp.TensorOptions?
---@return mlp.Tensor
function mlp.tensor(numbers, options) end

--- All 0: mlp.zeros(2, 3), mlp.zeros({2, 3}, {dtype = "int64"}).
---@param ... integer|integer[]|mlp.TensorOptions lengths, or one table of them; then options
---@return mlp.Tensor
function mlp.zeros(...) end

--- All 1.
---@param ... integer|integer[]|mlp.TensorOptions lengths, or one table of them; then options
---@return mlp.Tensor
function mlp.ones(...) end

--- All the same number.
---@param shape integer[]
---@param number number
---@param options mlp.TensorOptions?
---@return mlp.Tensor
function mlp.full(shape, number, options) end

--- first, first + step, ... up to last, which is included: mlp.arange(3) is 1 2 3. int64 when all
--- arguments are whole numbers, else float32.
---@param first number default 1 when only last is given
---@param last number included
---@param step number? default 1; not 0
---@param options mlp.TensorOptions?
---@return mlp.Tensor
---@overload fun(last: number, options: mlp.TensorOptions?): mlp.Tensor
function mlp.arange(first, last, step, options) end

--- count numbers at equal distances, both ends included.
---@param first number
---@param last number
---@param count integer at least 1
---@param options mlp.TensorOptions?
---@return mlp.Tensor (count)
function mlp.linspace(first, last, count, options) end

--- The unit matrix.
---@param n integer
---@param options mlp.TensorOptions?
---@return mlp.Tensor (n, n)
function mlp.eye(n, options) end

--- A tensor of the numbers in a string, little-endian and row-major unless told otherwise. Raises
--- when the string is too short.
---@param bytes string
---@param dtype mlp.Dtype
---@param shape integer[]
---@param options {offset: integer?, byteswap: boolean?, encoding: mlp.Encoding?}? offset: bytes to
---  leave out at the start; byteswap: the numbers are big-endian; encoding: how the string holds
---  them, when not as the tensor does: integers for int64, 16-bit floats for float32
---@return mlp.Tensor
function mlp.frombytes(bytes, dtype, shape, options) end

--- Is this a tensor? A closed one is none.
---@param value any
---@return boolean
function mlp.is_tensor(value) end

-- ---- to Lua values ------------------------------------------------------------------------------

--- The number in a tensor of one element.
---@return number|integer
function Tensor:item() end

--- One number: x:get(i, j), a position for every axis.
---@param ... integer
---@return number|integer
function Tensor:get(...) end

--- Writes one number: x:set(i, j, number). Raises for a tensor that requires a gradient, outside
--- no_grad.
---@param ... number a position for every axis, then the number
function Tensor:set(...) end

--- Nested Lua tables of numbers; a number for a tensor without axes.
---@return table|number
function Tensor:totable() end

--- The numbers as a string, little-endian and row-major. In another encoding floats are rounded to
--- the nearest, ties to even; an integer that does not fit raises.
---@param options {encoding: mlp.Encoding?}? encoding: how the string holds them, when not as the
---  tensor does
---@return string
function Tensor:tobytes(options) end

--- The length of an axis; #x is x:size(1).
---@param axis integer from 1, or from -1, the last
---@return integer
function Tensor:size(axis) end

--- How many elements there are.
---@return integer
function Tensor:numel() end

--- Whether the elements lie in row-major order without gaps.
---@return boolean
function Tensor:is_contiguous() end

--- Gives the memory back now instead of at collection; using the tensor afterwards raises.
--- `local x <close> = ...` does it at the end of the block.
function Tensor:close() end

-- ---- gradients ----------------------------------------------------------------------------------

--- Asks for a gradient at this leaf, in place.
---@param flag boolean? default true
---@return mlp.Tensor self
function Tensor:requires_grad_(flag) end

--- The same numbers, in the same memory, without history.
---@return mlp.Tensor
function Tensor:detach() end

--- Adds the gradient of this tensor to `.grad` of every leaf that it was made from and that
--- requires one. Saved values are freed on the way unless retain_graph is set.
---@param gradient mlp.Tensor? what comes from above, of this shape; default 1 for a one-element
---  tensor
---@param options {retain_graph: boolean?}?
function Tensor:backward(gradient, options) end

--- y:backward(gradient, options) as a function.
---@param y mlp.Tensor
---@param gradient mlp.Tensor? of y's shape; default 1 for a one-element tensor
---@param options {retain_graph: boolean?}?
function mlp.backward(y, gradient, options) end

--- Whether operations are being remembered: false inside no_grad.
---@return boolean
function mlp.grad_enabled() end

-- ---- random numbers -----------------------------------------------------------------------------

--- A stream of random numbers: a seed and how many calls drew from it. Random operations take one
--- as the option `generator`.
---@class mlp.Generator
local Generator = {}

--- Starts the default generator anew.
---@param seed integer
function mlp.manual_seed(seed) end

--- A generator of one's own, apart from the default one.
---@param seed integer
---@return mlp.Generator
function mlp.generator(seed) end

--- Two numbers that say where a generator stands; set_random_state brings it back there.
---@param generator mlp.Generator? nil: the default one
---@return integer seed
---@return integer serial
function mlp.random_state(generator) end

--- Brings a generator to where random_state found it.
---@param generator mlp.Generator? nil: the default one
---@param seed integer
---@param serial integer
function mlp.set_random_state(generator, seed, serial) end

--- mlp.random_state of this generator.
---@return integer seed
---@return integer serial
function Generator:state() end

--- mlp.set_random_state of this generator.
---@param seed integer
---@param serial integer
function Generator:set_state(seed, serial) end

-- ---- memory and time ----------------------------------------------------------------------------

---@class mlp.Memory
---@field bytes integer held by tensors now
---@field peak integer the most so far
---@field pooled integer kept aside for the next tensors
---@field tensors integer how many are alive

--- What the tensors of this Lua state hold.
---@param what "reset_peak"? starts the peak anew
---@return mlp.Memory
function mlp.memory(what) end

--- Seconds of a clock that only goes forward.
---@return number
function mlp.now() end
