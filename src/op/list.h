
/* network */
X(matmul)

/* elementwise */
X(add)
X(sub)
X(mul)
X(div)
X(pow)
X(maximum)
X(minimum)
X(atan2)
X(floor_divide)
X(remainder)
X(share_of_max)
X(pow_a)
X(pow_b)
X(pow_aa)
X(pow_ab)
X(pow_bb)
X(lt)
X(le)
X(gt)
X(ge)
X(eq)
X(ne)
X(logical_and)
X(logical_or)
X(logical_xor)
X(unary_chain)
#define UNARY(name, use, state, parameters, formula, f, f1, f2, f3) X(name)
#include "kernel/unary.def"
#undef UNARY
