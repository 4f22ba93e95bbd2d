"""The class of a machine in words, by which results and what is compiled are told apart."""

import pytest

from minetest_interp.provenance import environment

ACCOUNT = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 1
model name\t: AMD EPYC
flags\t\t: fpu sse2 sse4_2 avx avx2 fma

processor\t: 1
model name\t: AMD EPYC
"""


def test_a_processor_is_named_with_what_its_name_hides():
    assert environment.named(ACCOUNT) == "AMD EPYC (family 25, model 1, AVX2)"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("AMD EPYC", "Xeon"),
        ("family\t: 25", "family\t: 26"),
        ("model\t\t: 1", "model\t\t: 17"),
        ("avx2", "avx2 avx512f"),
    ],
)
def test_processors_that_differ_in_anything_stated_have_different_names(before, after):
    assert environment.named(ACCOUNT.replace(before, after)) != environment.named(ACCOUNT)


@pytest.mark.parametrize(
    ("flags", "widest"),
    [("avx512f avx2 avx", "AVX-512"), ("avx sse4_2", "AVX"), ("sse4_2", "SSE4.2"), ("fpu sse2", "SSE2")],
)
def test_the_widest_vectors_are_named(flags, widest):
    account = ACCOUNT.replace("fpu sse2 sse4_2 avx avx2 fma", flags)
    assert environment.named(account) == f"AMD EPYC (family 25, model 1, {widest})"


@pytest.mark.parametrize("account", ["", "processor\t: 0\nFeatures\t: fp asimd\nCPU architecture: 8\n"])
def test_a_processor_of_another_architecture_is_not_named_here(account):
    assert environment.named(account) == ""
