"""Writes pears.docx with python-docx, a library that shares no code with the
reader under test.

Ran on: Python 3.11, python-docx 1.2.0. All text is our own.
"""
import io
import zipfile

from docx import Document
from docx.enum.text import WD_BREAK

d = Document()
d.core_properties.title = "On pears"
d.add_heading("On pears", 0)
d.add_heading("Kinds 种类", 1)
p = d.add_paragraph("Pears are ")
p.add_run("sweet").bold = True
p.add_run(".")
p.add_run().add_break(WD_BREAK.LINE)
p.add_run("梨很甜。")
d.add_paragraph("green", style="List Bullet")
d.add_paragraph("yellow", style="List Bullet")
d.add_paragraph("like butter", style="List Bullet 2")
d.add_heading("Steps", 2)
d.add_paragraph("wash", style="List Number")
d.add_paragraph("cut", style="List Number")
t = d.add_table(rows=3, cols=3)
for i, row in enumerate([["kind", "price | kg", "note"], ["Conference", "2", "long"], ["Abate", "3", "longer"]]):
    for j, text in enumerate(row):
        t.cell(i, j).text = text
t.cell(1, 2).add_paragraph("second line")
t.cell(2, 0).merge(t.cell(2, 1))
d.add_paragraph("After the table.")
d.sections[0].header.paragraphs[0].text = "page header"
b = io.BytesIO()
d.save(b)

# Without the template's thumbnail and theme, and with fixed times.
with zipfile.ZipFile(b) as src, zipfile.ZipFile("pears.docx", "w", zipfile.ZIP_DEFLATED) as out:
    for name in src.namelist():
        if "thumbnail" not in name and "theme" not in name:
            out.writestr(zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0)), src.read(name), zipfile.ZIP_DEFLATED)
