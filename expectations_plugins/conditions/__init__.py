"""Conditions as values, independent of any store and of GX, and what compilers need to know of them."""
