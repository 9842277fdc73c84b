"""The steps of one trial, in the order in which train.py runs them.

copy_data -> scale -> select_features -> fit -> evaluate. Each is a program of its own as well:
``python3 -m steps.scale --help``.
"""
