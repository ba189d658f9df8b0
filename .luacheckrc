std = "lua54"
max_line_length = 100
exclude_files = { "build", "out" }
-- A method that does not use its self is still a method.
self = false

files["spec"] = { std = "+busted" }
-- Matchers of luassert take (state, arguments, level) whether they need them or not.
files["spec/support"] = { std = "+busted", unused_args = false }
-- Annotation files declare names and bodies that are never run.
files["**/library"] = { unused = false, unused_args = false }
files[".busted"] = { std = "lua54" }
files[".luacheckrc"] = { allow_defined_top = true, ignore = { "131" } }
