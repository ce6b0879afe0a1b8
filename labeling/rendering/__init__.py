"""Untrusted text as safe HTML: a pure function of the visible, masked text and of nothing else.

Called only on what `labeling/blinding.py` made. No database, no clock, no cache: how a text looks,
and how long making it takes, depends on the text alone, so neither can tell one kind of item from another.
"""
