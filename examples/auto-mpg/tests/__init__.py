"""Tests of the example's steps; run with ``python3 -m unittest`` in the example's folder."""
