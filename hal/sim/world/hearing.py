"""How loud an echo comes back to an HC-SR04, in decibels above the weakest that it hears, and seeded dice for a ping.

Physics with one fitted number, the reach of a large flat target at right angles. Spherical spreading, absorption of
1.3 dB/m at 40 kHz (ISO 9613-1 at 20 °C and 50 %), a parabolic beam of 55 degrees between its -6 dB points, sent and
received (data sheet of the 400ST/R160 transducers); a cylinder spreads sound by its curvature, a strip narrower than
the first Fresnel zone by its width, an edge diffracts it. The data sheet's "15 degrees" is where this beam has lost
4 dB.

Checked against measurements that it was not fitted to: a cylinder of 8.9 cm is heard to 25 degrees beside the axis at
0.6 m, to 20 degrees at 1.7 m and no more at 2.3 m (Parallax PING))) product guide 2.0); a panel to 26 to 30 degrees
off its normal between 1.25 and 2.7 m, a strip of 2.5 cm to 2.45 m, a piece of 3.3 x 3.8 cm to between 1.5 and 1.85 m
(Dyrkacz, HC-SR04-beam-tests, 2020).
"""

import math
import random

FARTHEST_M = 5.5  # a wall at right angles; modules are said to hear large flat targets to between 4 and 6 m
ABSORPTION_DB_PER_M = 2.6  # there and back
HALF_BEAM_RAD = math.radians(27.5)
BEAM_DB_PER_RAD2 = 12 / HALF_BEAM_RAD**2  # sent and received
WAVELENGTH_M = 343.2 / 40e3
DIFFRACTED = math.sqrt(WAVELENGTH_M / 2) / (2 * math.pi)
FADING_DB = 2.0  # from ping to ping: moving air, interference
NEAREST_M = 0.02
GAS_J_PER_KG_K = 8.314462618 / 0.0289647  # dry air
ADIABATIC_INDEX = 1.4
_LOUD_DB = 20 * math.log10(FARTHEST_M) + ABSORPTION_DB_PER_M * FARTHEST_M
_MASK = (1 << 64) - 1


def sound_mps(celsius: float) -> float:
    return math.sqrt(ADIABATIC_INDEX * GAS_J_PER_KG_K * (celsius + 273.15))


def plane_db(distance_m: float) -> float:
    """A large flat hard thing on the axis."""
    distance_m = max(distance_m, NEAREST_M)
    return _LOUD_DB - 20 * math.log10(distance_m) - ABSORPTION_DB_PER_M * distance_m


def round_db(distance_m: float, radius_m: float) -> float:
    """An upright cylinder whose surface is `distance_m` away, on the axis."""
    return plane_db(distance_m) - 10 * math.log10((radius_m + max(distance_m, NEAREST_M)) / radius_m)


def narrow_db(distance_m: float, width_m: float) -> float:
    """What a flat strip loses against a wide face."""
    share = width_m / math.sqrt(WAVELENGTH_M * max(distance_m, NEAREST_M) / 2)
    return 0.0 if share >= 1 else -20 * math.log10(share)


def edge_db(distance_m: float, aside_m: float) -> float:
    """What a face's edge loses against the face, when the foot of the sound would lie `aside_m` beyond the edge.

    Backscatter of a half plane by the geometrical theory of diffraction (Keller 1962, J. Opt. Soc. Am. 52, 116-130),
    not beyond the 6 dB that are lost where half of the first Fresnel zone is missing.
    """
    distance_m, aside_m = max(distance_m, NEAREST_M), max(aside_m, 1e-6)
    share = DIFFRACTED * (1 + distance_m / aside_m) / math.sqrt(distance_m)
    return 6.0 if share >= 0.5 else -20 * math.log10(share)


def seed_of(text: str) -> int:
    return random.Random(text).getrandbits(64)


def throw(seed: int, moment: int, salt: int) -> int:
    """64 even bits that depend on these three alone (the finalizer of SplitMix64, Steele and others 2014)."""
    z = (seed + moment * 0x9E3779B97F4A7C15 + salt * 0xD1342543DE82EF95) & _MASK
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
    return z ^ (z >> 31)


def share(bits: int) -> float:
    """Evenly between 0 and 1."""
    return bits * 5.421010862427522e-20


def bell(bits: int) -> float:
    """Mean 0, standard deviation 1, never beyond 3.5: the sum of four even throws."""
    total = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (total / 65536 - 2) * 1.7320508
