"""Signatures are found on pages, however these lie, and their ink is taken off."""

import json

import numpy as np
import pytest
from PIL import Image

import sigkd
from sigkd.cli.app import main
from sigkd.documents.locate import locate, page_dpi
from sigkd.documents.locations import locate_files
from sigkd.documents.regions import read_regions
from sigkd.documents.template import template_path
from sigkd.errors import ImageError, UsageError
from sigkd.images.resolution import Resolution
from sigkd.synthesis.disturbances.scan import signature_boxes, signature_mask


def iou(one, other):
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])
    common = np.prod(np.maximum(high - low, 0))
    area = [np.prod(np.subtract(box[2:], box[:2])) for box in (one, other)]
    return common / (sum(area) - common)


def quarter(box, turn, size):
    """Return a box of a page of ``size`` (height, width) after the page was turned counterclockwise."""
    for _ in range(turn):
        left, top, right, bottom = box
        box, size = (top, size[1] - right, bottom, size[1] - left), size[::-1]
    return box


@pytest.mark.parametrize("turn", [0, 1, 2, 3])
def test_both_signatures_of_a_contract_are_found_however_the_page_lies(contract, turn):
    picture = np.ascontiguousarray(np.rot90(contract.scan.image, turn))
    (page,) = locate(picture, dpi=150)
    assert page.turned == 90 * turn
    true = [quarter(box, turn, contract.scan.shape) for box in signature_boxes(contract.scan).values()]
    assert len(page.signatures) == len(true) == 2
    for box in true:
        assert max(iou(np.array(box), np.array(one.box)) for one in page.signatures) > 0.7


def test_the_ink_is_the_signatures_alone_and_upright(contract):
    upright, turned = (
        locate(np.ascontiguousarray(np.rot90(contract.scan.image, turn)), dpi=150)[0].signatures for turn in (0, 1)
    )
    boxes = signature_boxes(contract.scan)
    for one in upright:
        number = max(boxes, key=lambda number: iou(np.array(boxes[number]), np.array(one.box)))
        left, top, right, bottom = one.box
        truth = Image.fromarray(signature_mask(contract.scan, number)[top:bottom, left:right])
        core = np.asarray(truth.resize(one.ink.shape[::-1])) > 127
        assert (one.ink[core] < 255).mean() > 0.9
        assert one.crop.shape[0] >= bottom - top and one.crop.shape[1] >= right - left
    sizes = [sorted(one.ink.shape for one in signatures) for signatures in (upright, turned)]
    assert np.abs(np.subtract(*sizes)).max() <= 8


def test_a_form_that_nobody_signed_is_unsigned_in_spite_of_handwriting(form):
    (page,) = locate(form.scan.image, dpi=150)
    assert not page.signatures
    (page,) = locate(form.scan.image, dpi=150, regions=read_regions(["applicant=0.5,0.6,0.45,0.12"]))
    assert not page.signatures and page.unsigned == ("applicant",)


def test_regions_choose_and_name_signatures(contract):
    boxes = [np.array(box) * 25.4 / 150 for box in signature_boxes(contract.scan).values()]
    texts = [
        f"party {n}={left - 4:.1f},{top - 4:.1f},{right - left + 8:.1f},{bottom - top + 8:.1f}"
        for n, (left, top, right, bottom) in enumerate(boxes)
    ]
    (page,) = locate(contract.scan.image, dpi=150, regions=read_regions([*texts, "nobody=20,20,60,8"]))
    assert [one.role for one in page.signatures] == ["party 0", "party 1"] and page.unsigned == ("nobody",)


def test_pages_of_unknown_resolution_are_reckoned_as_pages_of_a_usual_size(contract):
    across, down = page_dpi(contract.scan.image, Resolution())
    assert across == down and 120 < down < 220
    (page,) = locate(contract.scan.image)
    assert len(page.signatures) == 2 and not page.resolution.known
    blank = np.full((1000, 700), 255, np.uint8)
    assert page_dpi(blank, Resolution())[1] == pytest.approx(1000 / 310 * 25.4)


def test_arrays_of_other_kinds_are_refused(contract):
    with pytest.raises(UsageError, match="uint8 array"):
        sigkd.locate(contract.scan.image.astype(float))
    for shape in ((40, 40, 4), (40, 40, 3, 1), (0, 40), (40,)):
        with pytest.raises(UsageError, match="uint8 array"):
            sigkd.locate(np.full(shape, 255, np.uint8))
    with pytest.raises(ImageError, match=r"gone\.pdf"):
        sigkd.locate("gone.pdf")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, contract, form):
    folder = tmp_path_factory.mktemp("pages")
    for name, scan in (("contract", contract.scan), ("form", form.scan)):
        Image.fromarray(scan.image).save(folder / f"{name}.tif", dpi=(150, 150))
    pages = [Image.open(folder / f"{name}.tif") for name in ("form", "contract")]
    pages[0].save(folder / "both.pdf", save_all=True, append_images=pages[1:], resolution=150)
    return folder


def run(capsys, *words):
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    return end.value.code, capsys.readouterr()


def test_the_command_writes_crops_previews_and_a_table(folder, tmp_path, capsys):
    code, said = run(
        capsys, "locate", folder / "both.pdf", folder / "form.tif", "--out", tmp_path / "cut", "--preview",
        tmp_path / "seen", "--csv", tmp_path / "found.csv", "--json",
    )  # fmt: skip
    assert code == 6
    document = json.loads(said.out)
    assert [(page["page"], len(page["signatures"])) for page in document["pages"]] == [(1, 0), (2, 2), (1, 0)]
    assert document["unsigned"] == [str(folder / "form.tif")] and document["exit_code"] == 6
    names = sorted(path.name for path in (tmp_path / "cut").iterdir())
    assert names == ["both-2-1.png", "both-2-2.png"]
    with Image.open(tmp_path / "cut" / "both-2-1.png") as crop:
        assert crop.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert sorted(path.name for path in (tmp_path / "seen").iterdir()) == ["both-1.png", "both-2.png", "form-1.png"]
    rows = (tmp_path / "found.csv").read_text().splitlines()
    assert len(rows) == 5 and rows[0].startswith("file,page,number,role,score,left,")


def test_documents_of_one_name_do_not_overwrite_each_other(folder, tmp_path):
    names = ("a/contract.tif", "b/contract.tif", "contract~2.tif")
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((folder / "contract.tif").read_bytes())
    document = locate_files([tmp_path / name for name in names], preview=tmp_path / "seen")
    assert [page.preview.name for page in document.pages] == [
        "contract-1.png",
        "contract~2-1.png",
        "contract~2~2-1.png",
    ]
    assert len(list((tmp_path / "seen").iterdir())) == 3 and document.exit_code == 0


def test_one_page_is_chosen_and_what_cannot_be_read_is_said(folder, tmp_path, capsys):
    code, said = run(capsys, "locate", f"{folder / 'both.pdf'}#page=2", "--out", tmp_path, "--clean")
    assert code == 0 and "both.pdf" in said.out and len(list(tmp_path.glob("both-2-*.png"))) == 2
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.4 nothing")
    code, said = run(capsys, "locate", tmp_path / "bad.pdf", folder / "contract.tif")
    assert code == 4 and "bad.pdf: the PDF is damaged" in said.err and "contract.tif" in said.out


def test_a_template_finds_its_places_and_refuses_other_pages(folder, tmp_path, capsys, monkeypatch):
    data = ("--data-dir", tmp_path)
    code, said = run(capsys, "template", "make", folder / "form.tif", "--region", "107,200,80,20", *data)
    assert code == 0 and "template 'form' of 210 x 297 mm" in said.out
    code, said = run(capsys, "template", "list", *data)
    assert code == 0 and "107, 200, 80, 20" in said.out
    code, said = run(capsys, "locate", folder / "form.tif", "--template", "form", "--json", *data)
    assert code == 6 and json.loads(said.out)["pages"][0]["unsigned"] == ["signature"]
    code, said = run(capsys, "locate", folder / "contract.tif", "--template", "form", *data)
    assert code == 4 and "is not like the template 'form'" in said.err
    code, _ = run(capsys, "template", "make", folder / "form.tif", "--region", "1,2,30,4", *data)
    assert code == 2
    file = template_path(tmp_path, "form")
    assert run(capsys, "template", "remove", file, *data)[0] == 2 and file.is_file()
    monkeypatch.chdir(file.parent)  # a file is no template of the data directory, and is not removed
    code, said = run(capsys, "template", "remove", "form.json", *data)
    assert code == 4 and "no template 'form.json'" in said.err and file.is_file()
    assert run(capsys, "template", "remove", "form", *data)[0] == 0
    assert run(capsys, "locate", folder / "form.tif", "--template", "form", *data)[0] == 4
