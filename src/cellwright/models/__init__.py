"""Models made of recurrent layers, and the run folders that keep them."""
