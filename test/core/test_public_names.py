import s2iammask_core


def test_a_star_import_gives_all_public_names():
    names = {}
    exec("from s2iammask_core import *", names)

    assert names["load_tracker"] is s2iammask_core.load_tracker
    assert set(s2iammask_core.__all__) <= names.keys() & set(dir(s2iammask_core))
