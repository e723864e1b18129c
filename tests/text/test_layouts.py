from pathlib import Path

import pytest

from sigkd.errors import DatasetError, UsageError
from sigkd.text.layouts import find_pages, read_forms


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def named(pages):
    return [(page.name, page.writer) for page in pages.pages]


def test_cvl_prefers_cropped_pages_and_leaves_lines_out(tmp_path):
    touch(tmp_path, "0001-1.tif", "0001-1-cropped.tif", "sub/0002-3.TIF", "0001-1-2-Imagine.tif", "notes.txt")
    found = find_pages("cvl", tmp_path)
    assert named(found) == [("0001-1-cropped.tif", "0001"), ("sub/0002-3.TIF", "0002")]
    assert [name for name, _ in found.skipped] == ["0001-1-2-Imagine.tif"]


def test_iam_reads_writers_and_reports_unknown_forms(tmp_path):
    touch(tmp_path, "a01-000u.png", "a01-003.png", "zzz.png")
    (tmp_path / "forms.txt").write_text("# comment\na01-000u 000 2 prt 7 5 52 36\na01-003 002 3 prt 11 10 81 71\n")
    found = find_pages("iam", tmp_path)
    assert named(found) == [("a01-000u.png", "000"), ("a01-003.png", "002")]
    assert found.skipped == [("zzz.png", "form 'zzz' is not in forms.txt")]


def test_iam_without_table_names_the_option(tmp_path):
    with pytest.raises(DatasetError, match="`writers`"):
        find_pages("iam", touch(tmp_path, "a.png"))


def test_forms_with_a_lonely_word_are_refused(tmp_path):
    (tmp_path / "forms.txt").write_text("a01-000u\n")
    with pytest.raises(DatasetError, match="line 1 has no writer"):
        read_forms(tmp_path / "forms.txt")


@pytest.mark.parametrize(("layout", "kind"), [("folder", "page"), ("lines", "line"), ("ready", "ready")])
def test_folder_takes_the_first_folder_as_writer(tmp_path, layout, kind):
    touch(tmp_path, "anna/1.png", "bert/deep/2.jpg", "stray.png", "anna/.hidden.png", "anna/readme.md")
    found = find_pages(layout, tmp_path)
    assert named(found) == [("anna/1.png", "anna"), ("bert/deep/2.jpg", "bert")]
    assert all(page.kind == kind for page in found.pages)
    assert found.skipped == [("stray.png", "not in a folder named after its writer")]


def test_csv_reports_what_it_cannot_use(tmp_path):
    touch(tmp_path, "1.png", "2.png", "4.png", "5.png")
    table = tmp_path / "pages.csv"
    table.write_text(
        "path,writer,kind\n1.png,w,page\n2.png,w,line\n1.png,w,\n3.png,w,\n,w,\n2.png,,\n4.png,w,ready\n5.png,w,words\n"
    )
    found = find_pages("csv", table)
    kinds = [("1.png", "page"), ("2.png", "line"), ("4.png", "ready")]
    assert [(page.name, page.kind) for page in found.pages] == kinds
    assert [reason for _, reason in found.skipped] == [
        "listed twice", "no such file", "no path or no writer in the table", "no path or no writer in the table",
        "'words' is no kind: page, line or ready",
    ]  # fmt: skip
    assert named(find_pages("csv", tmp_path)) == named(found)


def test_csv_needs_its_columns(tmp_path):
    (tmp_path / "pages.csv").write_text("file,who\n")
    with pytest.raises(DatasetError, match="columns path and writer"):
        find_pages("csv", tmp_path)


def test_unknown_layout_empty_and_missing_directories(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'folder'"):
        find_pages("foldr", tmp_path)
    with pytest.raises(DatasetError, match="no page fits"):
        find_pages("folder", tmp_path)
    with pytest.raises(DatasetError, match="no such directory"):
        find_pages("folder", tmp_path / "nowhere")
