"""Mutation testing of the packages that compute and judge; `run.py` is its command, `make mutants`.

Why not a library, as measured in November 2026: mutmut 3.8 changes neither decorated functions nor what stands outside
functions, here 9 % of the places; it asks mutants that are given by name again each time, so a drawn sample could not
be resumed; and it forks from a process that has run the tests, where JAX's threads are lost (6 of 6 children that
compiled anything never ended). cosmic-ray starts a process and the same tests for each mutant: 4 s before the first
test, where a fork from a process that has imported the libraries takes 0.8 s.
"""
