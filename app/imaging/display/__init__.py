"""From stored values to the grey or colour picture a person sees, in the standard's order.

Pure functions on arrays (PS3.3 C.11, PS3.4 N.2): no files, no Qt, no state.
"""
