"""Every layout on made-up files: what is found, its order, and what an incomplete set says."""

from collections import Counter
from pathlib import Path

import pytest

from sigkd.datasets.layouts import DATASETS, PUBLISHED, scan_dataset
from sigkd.datasets.layouts.base import ranges
from sigkd.errors import DatasetError, UsageError
from sigkd.images.formats import natural

KNOWN = {
    "cedar": (55, 24, 24, 0),
    "mcyt75": (75, 15, 15, 0),
    "gpds300": (253, 24, 30, 0),
    "brazilian": (60, 40, 10, 10),
    "bhsig260": (260, 24, 30, 0),
    "sigcomp2011": (3, 12, 8, 0),
    "utsig": (115, 27, 6, 3),
}


def kinds(signatures):
    return Counter(record.kind for record in signatures.records)


@pytest.mark.parametrize("name", PUBLISHED)
def test_complete_set(tmp_path, name, made_up):
    getattr(made_up, name)(tmp_path)
    found = scan_dataset(name, tmp_path)
    writers, genuine, skilled, simple = KNOWN[name]
    assert found.name == name
    assert not found.missing
    assert len(found.writers) == writers
    assert kinds(found) == Counter(genuine=writers * genuine, skilled=writers * skilled, simple=writers * simple)
    assert found.canvas == (952, 1360)
    assert [record.writer for record in found.records] == sorted(
        (record.writer for record in found.records), key=natural
    )


def test_every_layout_is_tested_here():
    assert set(PUBLISHED) == set(KNOWN)


@pytest.mark.parametrize(
    ("name", "counts"),
    [("gpds300", (12, 10, 10)), ("mcyt75", (10, 5, 15)), ("cedar", (12, 10, 10)), ("utsig", (5, 10, 10))],
)
def test_defaults_are_those_of_table_3(name, counts):
    defaults = DATASETS.get(name).defaults
    assert (defaults.references, defaults.test_genuine, defaults.test_skilled) == counts


def test_order_is_by_writer_kind_and_number(tmp_path, made_up):
    made_up.cedar(tmp_path, [10, 9])
    found = scan_dataset("cedar", tmp_path, allow_incomplete=True)
    names = [record.path.name for record in found.records]
    assert found.writers == ["9", "10"]
    assert names[:3] == ["original_9_1.png", "original_9_2.png", "original_9_3.png"]
    assert names[9] == "original_9_10.png"
    assert names[24] == "forgeries_9_1.png"


def test_what_is_missing_is_listed(tmp_path, made_up):
    made_up.cedar(tmp_path, [*range(1, 8), *range(10, 56)])
    for number in (3, 12, 13, 14):
        (tmp_path / f"full_org/original_7_{number}.png").unlink()
    (tmp_path / "full_forg/forgeries_7_24.png").unlink()
    with pytest.raises(DatasetError) as caught:
        scan_dataset("cedar", tmp_path)
    message = str(caught.value)
    assert "writers 8-9" in message
    assert "writer 7: genuine 3, 12-14, skilled 24" in message
    assert "`allow_incomplete=True`" in message
    found = scan_dataset("cedar", tmp_path, allow_incomplete=True)
    assert found.missing == ["writers 8-9", "writer 7: genuine 3, 12-14, skilled 24"]
    assert len(found.writers) == 53


def test_counts_are_missing_where_numbers_are_not_certain(tmp_path, made_up):
    made_up.mcyt75(tmp_path, [0, 7])
    (tmp_path / "0007/0007f03.bmp").unlink()
    found = scan_dataset("mcyt75", tmp_path, allow_incomplete=True)
    assert found.missing == ["73 of 75 writers", "writer 0007: skilled (1 of 15)"]


def test_any_letter_case(tmp_path, made_up):
    made_up.touch(tmp_path, "0001/0001V00.BMP", "0001/0001F00.Bmp")
    made_up.touch(tmp_path / "b", "BENGALI/1/b-s-1-g-01.TIF", "BENGALI/1/B-S-1-F-01.tif")
    found = scan_dataset("mcyt75", tmp_path, allow_incomplete=True)
    assert kinds(found) == Counter(genuine=1, skilled=1)
    assert scan_dataset("bhsig260", tmp_path / "b", allow_incomplete=True).writers == ["B-S-1"]


def test_root_may_be_a_level_higher_and_clutter_is_ignored(tmp_path, made_up):
    made_up.cedar(tmp_path / "signatures")
    made_up.touch(
        tmp_path, "signatures/Readme.txt", "signatures/full_org/Thumbs.db", "signatures/full_org/._original_1_1.png"
    )
    made_up.touch(tmp_path, "__MACOSX/full_org/original_1_1.png", ".cache/full_org/original_1_1.png")
    assert len(scan_dataset("cedar", tmp_path).records) == 55 * 48


def test_two_copies_under_one_root_are_refused(tmp_path, made_up):
    made_up.touch(tmp_path, "a/full_org/original_1_1.png", "b/full_org/original_1_01.png")
    with pytest.raises(DatasetError, match=r"twice: a/full_org/original_1_1.png and b/full_org/original_1_01.png"):
        scan_dataset("cedar", tmp_path, allow_incomplete=True)


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_set_unpacked_twice_is_refused(tmp_path, name, made_up):
    few = {"bengali": [1], "hindi": [2]} if name == "bhsig260" else {"writers": [1, 3]}
    getattr(made_up, name)(tmp_path, **few)
    getattr(made_up, name)(tmp_path / "archive" / "archive", **few)
    with pytest.raises(DatasetError, match=r"there twice: .*unpacked twice"):
        scan_dataset(name, tmp_path, allow_incomplete=True)


def test_names_that_several_sessions_have_are_no_doubles(tmp_path, made_up):
    """Without numbers in their names only the contents tell."""
    made_up.sigcomp2011(tmp_path)
    (tmp_path / "second/001").mkdir(parents=True)
    (tmp_path / "second/001/001_01.PNG").write_bytes(b"another signature")
    assert len(scan_dataset("sigcomp2011", tmp_path).records) == 3 * 20 + 1
    (tmp_path / "second/001/001_01.PNG").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"001's signature is there twice"):
        scan_dataset("sigcomp2011", tmp_path)


def test_writers_that_are_not_of_the_set(tmp_path, made_up):
    made_up.brazilian(tmp_path, range(1, 63))
    assert scan_dataset("brazilian", tmp_path).left_out == 2 * 60
    made_up.gpds300(tmp_path / "g", [300, 301])
    assert scan_dataset("gpds300", tmp_path / "g", allow_incomplete=True).writers == ["300"]


def test_folder_of_another_writers_file_does_not_match(tmp_path, made_up):
    made_up.touch(tmp_path, "0001/0002v00.bmp", "0001/0001v00.bmp")
    assert len(scan_dataset("mcyt75", tmp_path, allow_incomplete=True).records) == 1


def test_sigcomp_writer_without_forgeries(tmp_path, made_up):
    made_up.sigcomp2011(tmp_path)
    made_up.touch(tmp_path, "009/a.png")
    with pytest.raises(DatasetError, match=r"writer 009: skilled \(1 of 1\)"):
        scan_dataset("sigcomp2011", tmp_path)


def test_folder(tmp_path, made_up):
    made_up.touch(tmp_path, "anna/genuine/a2.png", "anna/genuine/a10.PNG", "anna/forged/x.jpg", "anna/Simple/y.tif")
    made_up.touch(tmp_path, "Bo/1.png", "Bo/Skilled/2.png", "Bo/notes.txt", "Bo 2/1.bmp")
    found = scan_dataset("folder", tmp_path)
    assert found.writers == ["anna", "Bo", "Bo 2"]
    assert [(r.writer, r.kind, r.path.name) for r in found.records][:4] == [
        ("anna", "genuine", "a2.png"),
        ("anna", "genuine", "a10.PNG"),
        ("anna", "skilled", "x.jpg"),
        ("anna", "simple", "y.tif"),
    ]


@pytest.mark.parametrize("name", ["sigcomp2011", "cedar", "mcyt75", "gpds300"])
def test_folder_names_the_layout_whose_forgeries_it_would_take_for_genuine(tmp_path, name, made_up):
    getattr(made_up, name)(tmp_path, [1, 2])
    with pytest.raises(DatasetError, match=f"is a forgery in the layout '{name}'.*preprocess .* --dataset {name}"):
        scan_dataset("folder", tmp_path)


@pytest.mark.parametrize("forgers", ["anna_forg", "Anna forgeries", "anna-forged", "ANNAfake"])
def test_folder_refuses_writers_named_as_forgers_of_others(tmp_path, forgers, made_up):
    made_up.touch(tmp_path, "anna/1.png", "bert/1.png", f"{forgers}/1.png")
    with pytest.raises(DatasetError, match=f"(?i){forgers} seems to hold forgeries of anna.*anna/forged") as caught:
        scan_dataset("folder", tmp_path)
    assert "\n" not in str(caught.value)


def test_folder_takes_names_that_only_look_like_that(tmp_path, made_up):
    made_up.touch(
        tmp_path, "forgan/1.png", "fake/1.png", "McForg/1.png", "001/genuine/001f02.png", "001/forged/cf-1.png"
    )
    assert len(scan_dataset("folder", tmp_path).writers) == 4


def test_folder_with_a_signature_in_both_places(tmp_path, made_up):
    made_up.touch(tmp_path, "anna/1.png", "anna/genuine/1.png")
    with pytest.raises(DatasetError, match="there twice"):
        scan_dataset("folder", tmp_path)


@pytest.mark.parametrize("stray", ["loose.png", "anna/other/a.png", "anna/genuine/deep/a.png"])
def test_folder_refuses_what_it_cannot_place(tmp_path, stray, made_up):
    made_up.touch(tmp_path, "anna/genuine/a.png", stray)
    with pytest.raises(DatasetError, match="WRITER/genuine"):
        scan_dataset("folder", tmp_path)


def test_what_is_passed_over_is_listed(tmp_path, made_up):
    made_up.touch(
        tmp_path, "full_org/original_1_1.png", "full_forg/forgeries_1_1.png", "full_org/scan.png", "Readme.doc"
    )
    found = scan_dataset("cedar", tmp_path, allow_incomplete=True)
    assert found.passed == {
        "no image by its suffix": ["Readme.doc"],
        "no signature by its place and name": ["full_org/scan.png"],
    }
    made_up.touch(tmp_path / "own", "anna/1.png", "anna/1.psd", "anna/.hidden", "anna/Thumbs.db")
    assert scan_dataset("folder", tmp_path / "own").passed == {"no image by its suffix": ["anna/1.psd"]}


def test_a_pdf_is_no_signature_but_may_be_a_document(tmp_path, made_up):
    made_up.touch(tmp_path, "anna/1.png", "anna/card.pdf")
    documents = scan_dataset("folder", tmp_path, documents=True)
    assert [record.path.name for record in documents.records] == ["1.png", "card.pdf"]
    made_up.touch(tmp_path, "README.pdf")
    found = scan_dataset("folder", tmp_path)
    assert [record.path.name for record in found.records] == ["1.png"]
    assert found.passed == {"a PDF: a document, not a signature": ["anna/card.pdf", "README.pdf"]}


def test_csv(tmp_path, made_up):
    made_up.touch(tmp_path, "x/a.png", "x/b.png", "x/c.png")
    table = tmp_path / "list.csv"
    table.write_text(
        "path;writer;Label\nx/b.png;W 1;genuine\nx/a.png;W 1;Forged\nx/c.png;W 2;simple\n", encoding="utf-8-sig"
    )
    for root in (table, tmp_path):
        found = scan_dataset("csv", root)
        assert [(r.path.name, r.writer, r.kind) for r in found.records] == [
            ("b.png", "W 1", "genuine"),
            ("a.png", "W 1", "skilled"),
            ("c.png", "W 2", "simple"),
        ]


def test_csv_may_state_resolutions(tmp_path, made_up):
    made_up.touch(tmp_path, "a.png", "b.png")
    table = tmp_path / "t.csv"
    table.write_text("path,writer,label,DPI\na.png,1,genuine,204.5\nb.png,1,genuine, \n")
    assert [record.dpi for record in scan_dataset("csv", table).records] == [204.5, None]
    table.write_text("path,writer,label,dpi\na.png,1,genuine,high\n")
    with pytest.raises(DatasetError, match=r"row 2: dpi 'high': a number from 60 to 2500"):
        scan_dataset("csv", table)


def test_csv_with_absent_files(tmp_path, made_up):
    made_up.touch(tmp_path, "a.png")
    (tmp_path / "t.csv").write_text("path,writer,label\na.png,1,genuine\nb.png,1,skilled\n")
    with pytest.raises(DatasetError, match=r"row 3: b\.png"):
        scan_dataset("csv", tmp_path)
    assert len(scan_dataset("csv", tmp_path, allow_incomplete=True).records) == 1


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "no rows"),
        ("path,label\na,genuine\n", "no column writer"),
        ("path,writer,label\na.png,1,genuin\n", "Did you mean 'genuine'"),
        ("path,writer,label\na.png,,genuine\n", "row 2: path or writer is empty"),
        ("path,writer,label\nnone.png,1,genuine\n", "none of its 1 files exists"),
        ("path,writer,label\na.png,1\n", "label ''"),
    ],
)
def test_bad_tables(tmp_path, text, match, made_up):
    made_up.touch(tmp_path, "a.png")
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DatasetError, match=match):
        scan_dataset("csv", tmp_path / "t.csv")


def test_binary_table_is_refused(tmp_path):
    (tmp_path / "t.csv").write_bytes(b"\xff\xfe\x00path")
    with pytest.raises(DatasetError, match="UTF-8"):
        scan_dataset("csv", tmp_path)


@pytest.mark.parametrize("name", list(DATASETS))
def test_wrong_or_absent_root(tmp_path, name):
    with pytest.raises(DatasetError, match="no such directory"):
        scan_dataset(name, tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match=r"empty"):
        scan_dataset(name, tmp_path / "empty")


OURS = r"""
title = "Our signatures"
shape = "W/g_N.png (genuine) and W/f_N.png (forged)"
source = "a cupboard"
genuine = '(?P<writer>\d+)/g_(?P<number>\d+)'
skilled = '(?P<writer>\d+)/f_(?P<number>\d+)'
writers = "1-2"
numbers = { genuine = "1-2", skilled = 1 }
"""


def test_a_layout_of_ones_own(tmp_path):
    layout = tmp_path / "ours.toml"
    layout.write_text(OURS)
    for name in ("1/g_1", "1/g_2", "1/f_7", "2/g_1", "2/g_2", "3/g_1"):
        path = tmp_path / "scans" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    with pytest.raises(DatasetError, match=r"ours is incomplete, missing: writer 2: skilled \(1 of 1\)"):
        scan_dataset(str(layout), tmp_path / "scans")
    found = scan_dataset(str(layout), tmp_path / "scans", allow_incomplete=True)
    assert (found.name, found.writers, found.left_out) == ("ours", ["1", "2"], 1)
    assert kinds(found) == Counter(genuine=4, skilled=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("genuine =", "genuin ="), "unknown key 'genuin'. Did you mean 'genuine'"),
        (("title =", "# title ="), "'title' is missing"),
        (("(?P<writer>", "("), "no group"),
        (("'(?P<writer>", "'((?P<writer>"), "ours.toml: not a readable layout in TOML"),
        (('"1-2"', '"1"'), "ours.toml: not a readable layout in TOML"),
        (("skilled = 1", "forged = 1"), "numbers: unknown kind 'forged'"),
    ],
)
def test_a_wrong_layout_is_one_line(tmp_path, change, words):
    (tmp_path / "ours.toml").write_text(OURS.replace(*change))
    with pytest.raises(DatasetError) as caught:
        scan_dataset(str(tmp_path / "ours.toml"), tmp_path)
    assert words in str(caught.value)
    assert "ours.toml" in str(caught.value)


def test_a_file_listed_twice_is_refused(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "t.csv").write_text("path,writer,label\na.png,A,genuine\n./a.png,A,genuine\n")
    with pytest.raises(DatasetError, match=r"row 3: .*a\.png is listed before"):
        scan_dataset("csv", tmp_path / "t.csv")


def test_unknown_name():
    with pytest.raises(UsageError, match="Did you mean 'cedar'"):
        scan_dataset("ceder", Path())


def test_natural_order_and_ranges():
    names = ["s10", "s2", "S1", "s02", "a"]
    assert sorted(names, key=natural) == ["a", "S1", "s02", "s2", "s10"]
    assert ranges([3, 1, 2, 9, 7]) == "1-3, 7, 9"
    assert ranges([]) == ""


@pytest.mark.shared
def test_dutch_signatures(shared_dir):
    found = scan_dataset("sigcomp2011", shared_dir / "data" / "sigcomp2011_dutch")
    assert len(found.writers) == 43
    assert kinds(found) == Counter(genuine=635, skilled=514)


def test_the_same_scans_are_known_again_wherever_they_lie(tmp_path):
    for place, size in (("a", 1), ("deeper/a", 1), ("b", 2)):
        for name in ("ann/genuine/1.png", "bob/genuine/1.png"):
            file = tmp_path / place / name
            file.parent.mkdir(parents=True)
            file.write_bytes(b"x" * size)
    here, there, other = (scan_dataset("folder", tmp_path / place).fingerprint for place in ("a", "deeper/a", "b"))
    assert here == there != other
