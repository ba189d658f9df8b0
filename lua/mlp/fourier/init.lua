--- Networks that add modulo p, taken apart: the real Fourier basis of Z_p, what each neuron does
--- in it, exact circuits, training with grokking, and the flow by which frequencies compete. After
--- He, Wang, Chen and Yang 2026, "On the Mechanism and Dynamics of Modular Addition" (arXiv
--- 2602.16849).
---
--- Residues are 0 to p - 1, and the class of the sum s is s + 1. Frequencies are k = 1 to K, the
--- half of p rounded down, and w_k = 2 pi k / p. The network is f(x, y) = xi act(theta x + theta
--- y): theta (M, p) reads a one-hot pair, xi (p, M) writes logits; M neurons. Of neuron m and
--- frequency k, theta has the amplitude alpha and phase phi, xi has beta and psi:
---
---     theta[m][j] = mean + sum over k of alpha cos(w_k j + phi)
---     xi[j][m]    = mean + sum over k of beta cos(w_k j + psi)
---
--- and D = 2 phi - psi, wrapped to [-pi, pi), is the misalignment. Spectra are in float64.

local lazy <const> = require "mlp.lazy"

---@class mlp.fourier
local fourier = {}

return lazy(fourier, {
  basis = "mlp.fourier.basis", cosines = "mlp.fourier.cosines", spectrum = "mlp.fourier.spectrum",
  wrap = "mlp.fourier.wrap", harmonic = "mlp.fourier.harmonic", neurons = "mlp.fourier.neurons",
  pairs = "mlp.fourier.pairs", Network = "mlp.fourier.network", circuit = "mlp.fourier.circuit",
  indicator = "mlp.fourier.indicator", ablate = "mlp.fourier.ablate", swap = "mlp.fourier.swap",
  train = "mlp.fourier.train", stages = "mlp.fourier.stages", flow = "mlp.fourier.flow",
  escape = "mlp.fourier.escape", lottery = "mlp.fourier.lottery",
})
