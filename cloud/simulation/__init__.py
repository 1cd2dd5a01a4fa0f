"""A simulated fleet: days of many sites as wire messages, together with the truth.

The visitors are random, from a seed. The device's own code applies the privacy rule (:mod:`edge.vision.privacy`), and
the committed confusion matrices define the mistakes of the models. See docs/decisions/0023.
"""
