"""Pages of PDF files are read where images are."""

import io

import numpy as np
import pytest
from PIL import Image
from reportlab.lib.units import mm
from reportlab.pdfgen import canvas

from sigkd.errors import ImageError
from sigkd.images.formats import MAX_PIXELS, split_page
from sigkd.images.pdf import draw_page, is_pdf
from sigkd.images.reader import read_file


@pytest.fixture(scope="module")
def pdf():
    """Two small pages: a black bar of 20 x 5 mm; a red one and a picture."""
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pagesize=(60 * mm, 40 * mm), invariant=True)
    page.rect(10 * mm, 10 * mm, 20 * mm, 5 * mm, fill=1, stroke=0)
    page.showPage()
    page.setFillColorRGB(0.8, 0, 0)
    page.rect(10 * mm, 10 * mm, 20 * mm, 5 * mm, fill=1, stroke=0)
    page.drawInlineImage(Image.new("L", (10, 10), 90), 40 * mm, 20 * mm, 10 * mm, 10 * mm)
    page.showPage()
    page.save()
    return stream.getvalue()


def test_pages_are_drawn_at_300_dpi_grey_where_they_have_no_colour(pdf):
    file = read_file(pdf, name="form.pdf")
    assert (file.pages, file.page, file.format, file.has_colour) == (2, 1, "PDF", False)
    assert (file.resolution.x, file.resolution.y) == (300, 300)
    assert file.image.size == (709, 472)
    rows, columns = np.nonzero(file.grey < 128)
    assert abs(np.ptp(columns) - 236) <= 2 and abs(np.ptp(rows) - 59) <= 2
    assert abs(columns.min() - 118) <= 1 and abs(472 - rows.max() - 118) <= 2


def test_a_page_is_chosen_by_number_or_after_the_path(pdf, tmp_path):
    path = tmp_path / "form.pdf"
    path.write_bytes(pdf)
    second, named = read_file(path, page=2), read_file(f"{path}#page=2")
    assert second.has_colour and named.digest == second.digest != read_file(path).digest
    assert named.title == "form.pdf, page 2"
    assert tuple(named.rgb[330, 200]) == (204, 0, 0) and tuple(named.rgb[180, 530]) == (90, 90, 90)
    with pytest.raises(ImageError, match=r"form\.pdf: there is no page 3, the file has 2"):
        read_file(f"{path}#page=3")


def test_a_file_that_is_really_called_so_is_meant_first(tmp_path):
    path = tmp_path / "a.png#page=2"
    Image.new("L", (9, 9), 255).save(path, format="PNG")
    assert split_page(path) == (path, 1)
    assert split_page(tmp_path / "b.pdf#page=12") == (str(tmp_path / "b.pdf"), 12)
    assert split_page(b"%PDF", 3) == (b"%PDF", 3)
    assert split_page("b.pdf#page=0") == ("b.pdf#page=0", 1)


def test_encrypted_damaged_large_and_slow_files_are_named(pdf):
    from pypdf import PdfWriter

    writer, stream = PdfWriter(), io.BytesIO()
    writer.append(io.BytesIO(pdf))
    writer.encrypt("secret")
    writer.write(stream)
    with pytest.raises(ImageError, match=r"^a\.pdf: the PDF is encrypted: save it without a password"):
        read_file(stream.getvalue(), name="a.pdf")
    with pytest.raises(ImageError, match=r"^a\.pdf: the PDF is damaged"):
        read_file(pdf[:200], name="a.pdf")
    with pytest.raises(ImageError, match=r"^a\.pdf: page 1 of 60 x 40 mm has more pixels than the limit of 1000"):
        read_file(pdf, name="a.pdf", max_pixels=1000)
    with pytest.raises(ImageError, match=r"^a\.pdf: page 1 takes more than -1 s to draw"):
        draw_page(pdf, "a.pdf", 1, MAX_PIXELS, seconds=-1)


def test_fields_of_forms_are_drawn():
    stream = io.BytesIO()
    page = canvas.Canvas(stream, pagesize=(60 * mm, 40 * mm), invariant=True)
    page.acroForm.textfield(value="Ada", x=10 * mm, y=10 * mm, width=40 * mm, height=10 * mm, borderWidth=0)
    page.showPage()
    page.save()
    assert (read_file(stream.getvalue()).grey < 100).sum() > 100


def test_too_many_pages_are_refused(pdf, monkeypatch):
    monkeypatch.setattr("sigkd.images.pdf.MOST_PAGES", 1)
    with pytest.raises(ImageError, match="2 pages are more than the limit of 1"):
        read_file(pdf, name="a.pdf")


def test_the_mark_may_stand_behind_a_few_bytes(pdf):
    assert is_pdf(b"\r\n" + pdf) and not is_pdf(b"\x89PNG\r\n\x1a\n")
