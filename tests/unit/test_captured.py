"""What the table of a captured folder says of its frames, and tables that say other things or nothing."""

from pathlib import Path

import numpy as np
import pytest

from minetest_interp.io.errors import InputError
from minetest_interp.model import captured

ROOT = Path(__file__).parents[2]
TEXTS = [field for field in captured.Captured._fields if field not in captured.NUMBERS]


def read(folder, table: str, names=("a", "b")) -> captured.Captured:
    (folder / captured.TABLE).write_text(table)
    return captured.read(folder, names)


def test_a_folder_without_a_table_or_with_another_one_says_nothing(tmp_path):
    for said in (captured.read(tmp_path, ("a", "b")), read(tmp_path, "colour,split\nred,A\n"), read(tmp_path, "")):
        assert all(getattr(said, field).tolist() == ["", ""] for field in TEXTS)
        assert all(np.isnan(getattr(said, field)).tolist() == [True, True] for field in captured.NUMBERS)


def test_rows_are_found_by_name_whatever_their_order_and_empty_cells_are_unknown(tmp_path):
    said = read(tmp_path, "name,species,trunk_dist,ray_trunks\nb,pine,2.5,0\nother,oak,1,1\na,,,\n")
    assert said.species.tolist() == ["", "pine"] and said.site.tolist() == ["", ""]
    np.testing.assert_array_equal(said.distance, [np.nan, 2.5])
    np.testing.assert_array_equal(said.ray_trunks, [np.nan, 0])


def test_an_id_stands_in_for_a_name_only_where_there_is_none(tmp_path):
    assert read(tmp_path, "id,light\na,night\nb,midday\n").light.tolist() == ["night", "midday"]
    assert read(tmp_path, "id,name,light\na,b,night\nb,a,midday\n").light.tolist() == ["midday", "night"]


@pytest.mark.parametrize("number", ["near", "-1", "inf", "9" * 5000, "1,5"])
def test_what_is_no_number_of_at_least_0_is_refused(number, tmp_path):
    with pytest.raises(InputError, match="trunk_dist must be empty or a number of at least 0"):
        read(tmp_path, f'name,trunk_dist\na,"{number}"\n')


def test_a_text_of_great_length_is_refused_and_what_is_not_read_may_have_any(tmp_path):
    read(tmp_path, f"name,remark\na,{'x' * 5000}\n")
    with pytest.raises(InputError, match="biome must have at most 200 characters; one has 201"):
        read(tmp_path, f"name,biome\na,{'x' * 201}\n")


def test_the_demo_data_say_all_of_this_but_the_view_ray():
    names = [path.stem for path in sorted((ROOT / "data/demo/frames").glob("*.jpg"))]
    said = captured.read(ROOT / "data/demo", names)
    assert set(said.light) == {"midday", "morning_evening", "night"}
    assert {"acacia", "apple", "jungle", "pine"} <= set(said.species) and "" not in said.biome and "" not in said.site
    np.testing.assert_array_equal(np.isnan(said.distance), said.species == "")
    assert np.nanmin(said.distance) > 1 and np.nanmax(said.distance) < 100


def test_halves_share_no_site_and_leave_no_frame_out():
    site = np.array(["2", "10", "1", "2", "10", "3"])
    first = captured.every_other_site(site)
    assert first.tolist() == [False, False, True, False, False, True]
    assert not set(site[first]) & set(site[~first])
