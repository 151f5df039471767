"""How fast a layer is on this machine, beside others that compute the same."""
