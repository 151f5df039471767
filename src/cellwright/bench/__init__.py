"""How fast a layer is on this machine, beside others that compute the same.

config        the options of `cellwright bench`;  case  what is computed
rivals        who computes the same with PyTorch alone: a row each;  rival  what a row is;  torch_layers  what rows call
measure       a case computed by all of them, compared, then timed;  timing  several functions in turn
"""
