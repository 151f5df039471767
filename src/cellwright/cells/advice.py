"""What a step may use, and the nearest way to say what it cannot: the second half of each refusal."""

from __future__ import annotations

# fmt: off
_USES = (
    "sigmoid(a)", "tanh(a)", "relu(a)", "exp(a)", "log(a)", "log1p(a)", "sqrt(a)", "sin(a)", "cos(a)", "atan(a)",
    "floor(a)", "softplus(a)", "log_sigmoid(a)", "power(a, b)", "abs(a)", "maximum(a, b)", "minimum(a, b)",
    "select(condition, a, b)", "mean(a)", "total(a)", "amax(a)", "softmax(a)", "standardise(a)", "spike(a)",
    "straight_through(a, b)", "detach(a)", "constant(number)",
)
_WORDS = {use.partition("(")[0]: use for use in _USES}

# What people write for what the language has under another name, or says in a few words.
_INSTEAD = {
    # over the units of a row
    "layer_norm": "standardise(a)", "std": "standardise(a)", "var": "mean(d * d) of d = a - mean(a)",
    "max": "maximum(a, b), or amax(a) over the units", "min": "minimum(a, b), or -amax(-a) over the units",
    "sum": "total(a)", "norm": "sqrt(total(a * a))", "normalize": "a / sqrt(total(a * a) + 1e-12)",
    "logsumexp": "m + log(total(exp(a - m))) of m = detach(amax(a))",
    "log_softmax": "d - log(total(exp(d))) of d = a - detach(amax(a))",
    # arithmetic
    "square": "a ** 2", "rsqrt": "1 / sqrt(a)", "reciprocal": "1 / a", "rsub": "b - a", "lerp": "a + w * (b - a)",
    "addcmul": "a + b * c", "addcdiv": "a + b / c", "fabs": "abs(a)", "absolute": "abs(a)",
    "clip": "minimum(maximum(a, low), high)", "clamp_min": "maximum(a, low)", "clamp_max": "minimum(a, high)",
    "zeros_like": "the number 0.0", "ones_like": "the number 1.0", "full_like": "the number itself",
    # whole numbers
    "ceil": "-floor(-a)", "round": "floor(a + 0.5), with a gradient straight_through(floor(a + 0.5), a)",
    "trunc": "select(a < 0, -floor(-a), floor(a))", "fix": "select(a < 0, -floor(-a), floor(a))",
    "frac": "a - select(a < 0, -floor(-a), floor(a)), or a % 1, which is never below 0",
    "fmod": "a % b, whose sign is that of b", "mod": "a % b",
    # elementary functions
    "expm1": "exp(a) - 1, or tanh(a / 2) * (exp(a) + 1), accurate where a is small", "exp2": "2 ** a",
    "log2": "log(a) / 0.6931471805599453", "log10": "log(a) / 2.302585092994046", "logit": "log(a / (1 - a))",
    "tan": "sin(a) / cos(a)", "sinh": "(exp(a) - exp(-a)) / 2", "cosh": "(exp(a) + exp(-a)) / 2",
    "asinh": "log(a + sqrt(a * a + 1))", "acosh": "log(a + sqrt(a * a - 1))",
    "atanh": "(log1p(a) - log1p(-a)) / 2", "asin": "atan(a / sqrt(1 - a * a))",
    "acos": "1.5707963267948966 - atan(a / sqrt(1 - a * a))",
    # activations
    "logsigmoid": "log_sigmoid(a)", "silu": "a * sigmoid(a)", "swish": "a * sigmoid(a)",
    "mish": "a * tanh(softplus(a))", "softsign": "a / (1 + abs(a))", "relu6": "minimum(relu(a), 6)",
    "gelu": "0.5 * a * (1 + tanh(0.7978845608 * (a + 0.044715 * a ** 3))), as approximate='tanh' has it",
    "leaky_relu": "select(a > 0, a, 0.01 * a)", "elu": "select(a > 0, a, exp(minimum(a, 0)) - 1)",
    "hardtanh": "minimum(maximum(a, -1), 1)", "hardsigmoid": "minimum(maximum(a / 6 + 0.5, 0), 1)",
    "hardswish": "a * minimum(maximum(a / 6 + 0.5, 0), 1)",
    # choices
    "where": "select(condition, a, b)", "masked_fill": "select(condition, b, a)",
    "heaviside": "select(a > 0, 1.0, 0.0), or spike(a) for one with a gradient",
    "sign": "select(a > 0, 1.0, select(a < 0, -1.0, 0.0))",
    "logical_and": "select(p, select(q, a, b), b) for select(p and q, a, b)",
    "logical_or": "select(p, a, select(q, a, b)) for select(p or q, a, b)",
    "logical_not": "select(p, b, a) for select(not p, a, b)",
}
_PRODUCTS = ("@", "matmul", "mm", "mv", "bmm", "addmm", "linear", "bilinear", "dot", "inner", "einsum", "tensordot")
_NOISE = ("dropout", "rand_like", "randn_like", "bernoulli", "alpha_dropout", "feature_dropout")
_JOINED = ("chunk", "split", "cat", "stack", "concat", "concatenate", "unbind", "hstack", "vstack")
_OF_OTHERS = (
    "cumsum", "cumprod", "prod", "roll", "flip", "sort", "argsort", "topk", "argmax", "argmin", "gather", "scatter",
    "index_select", "take", "conv1d", "diff", "median",
)
_SHAPED = (
    "shape", "size", "ndim", "dim", "numel", "view", "reshape", "unsqueeze", "squeeze", "expand", "flatten", "permute",
    "transpose", "T", "mT", "t",
)
_PLACED = (
    "to", "float", "double", "half", "bfloat16", "clone", "contiguous", "cpu", "cuda", "type_as", "dtype",
    "device",
)
_TAKEN_OUT = ("item", "tolist", "numpy", "data", "array", "asarray", "tensor", "as_tensor")
# fmt: on
ALIKE = "a step treats every unit alike: it cannot index"
WRITTEN = "a value is not written into: give the new one a letter, and return it as State(h=…)"
COMPARED = "values are compared by > and < only"
OF_MATH = "math's functions are of numbers, known when the cell is defined: for a value take the word of that name"

_ADVICE = {
    _PRODUCTS: "the matrix products are x = W x + b and u = U h + b', made before the step, and u.n(a) = U_n a + b'_n "
    "of a value a of the step: for further rows of W and U declare a further projection",
    _NOISE: "a step is the same at every call: take noise from recurrent_dropout= or zoneout= of the layer",
    _JOINED: "values are neither joined nor split: each projection has a letter of its own, declared in projections=…",
    _OF_OTHERS: f"{ALIKE}; what joins the units of a row are u.n(a), total(a), mean(a), amax(a) and softmax(a)",
    _SHAPED: "a value is one number for each unit of each sequence, of whatever shape the call has; leave it out",
    _PLACED: "all values are of the type of the layer's weights, and none is written into; leave it out",
    _TAKEN_OUT: "a step is read once, before there are numbers: what it computes from a value is a value",
}


def offer(asked: str = "") -> str:
    """What a step may use, for messages, in place of `asked`."""
    for names, advice in _ADVICE.items():
        if asked in names:
            return advice
    if asked.endswith("_") and not asked.endswith("__"):
        return WRITTEN
    if asked in _WORDS:
        return f"write {_WORDS[asked]}, of the words in cellwright.cells.language"
    if asked in _INSTEAD:
        return f"write {_INSTEAD[asked]}, of the words in cellwright.cells.language"
    return f"a step may use + − * / // % ** > <, and of cellwright.cells.language {', '.join(_WORDS)}"
