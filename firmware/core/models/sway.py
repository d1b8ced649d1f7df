"""What an imbalance while walking looks like, learned from stumbles and from ordinary walking.

Made by `python -m bench.stumbles --write` (logistic regression, seed 3, data 3c6c662fa79ff2aa); not to be edited.
"""

CUES = ("forward", "backward", "sideways", "rate", "jolt", "drop", "rise")
"""Extrapolated tilt by direction (rad), tilt rate (rad/s), change of |a| (m/s2), vertical speed down and up (m/s)."""
FLOORS = (0.05, 0.05, 0.05, 0.1, 0.5, 0.05, 0.05)
"""Added to each cue, so that a calm walker's ratios stay ratios."""
PRIOR = (0.204, 0.208, 0.302, 0.522, 4.16, 0.326, 0.319)
"""The usual largest value within a step, floor included: median over people of their upper quartiles."""
TILT, RATE, JOLT, BOUNCE, RHYTHM = 2.512, 0.894, 2.406, 10.276, 0.0
"""Exponents of the ratios; BOUNCE of the vertical speed, up or down, whichever is the less usual."""
LIMIT = 11.252
"""The sum of exponent times logarithm of each ratio from which a walk is imbalance."""
