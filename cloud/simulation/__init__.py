"""A fleet that does not exist: days of many sites as wire messages, and the truth beside them.

The people are drawn by chance from a seed; what a device makes of them is the device's own code
(:mod:`edge.vision.privacy`), and how it errs the committed confusion matrices say. See docs/decisions/0023.
"""
