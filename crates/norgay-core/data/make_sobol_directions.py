"""Packs the Joe-Kuo direction numbers that SciPy ships into sobol_directions.bin.

Usage, in an environment with SciPy: python make_sobol_directions.py

Layout: for each dimension from the second on, three bytes with the primitive polynomial (little
endian, leading and constant coefficients included), then its initial direction numbers m_1 to
m_s. m_i is odd and below 2^i, so (m_i - 1) / 2 takes i - 1 bits; these bits follow each other
from the lowest bit of a byte up, padded to whole bytes at the end of a dimension.
"""

from pathlib import Path

import numpy as np
import scipy.stats


def packed(polynomial: int, numbers: list[int]) -> bytes:
    """One dimension's bytes."""
    bits, width = 0, 0
    for index, number in enumerate(numbers):
        assert number % 2 == 1 and number < 2 ** (index + 1)
        bits |= (number // 2) << width
        width += index
    return polynomial.to_bytes(3, "little") + bits.to_bytes((width + 7) // 8, "little")


def main() -> None:
    """Writes the table beside this script."""
    source = Path(scipy.stats.__file__).parent / "_sobol_direction_numbers.npz"
    with np.load(source) as table:
        polynomials, numbers = table["poly"], table["vinit"]
    rows = []
    for polynomial, row in zip(polynomials[1:], numbers[1:], strict=True):
        degree = int(polynomial).bit_length() - 1
        rows.append(packed(int(polynomial), [int(number) for number in row[:degree]]))
    Path(__file__).with_name("sobol_directions.bin").write_bytes(b"".join(rows))
    print(len(rows) + 1, "dimensions")


if __name__ == "__main__":
    main()
