"""The families that are known. A new one is a file beside this one, and its line here."""

from minetest_interp.model.families.chain import CHAIN
from minetest_interp.model.families.family import Family
from minetest_interp.model.families.impala import IMPALA

FAMILIES: dict[str, Family] = {family.name: family for family in (IMPALA, CHAIN)}
