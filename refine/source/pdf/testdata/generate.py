"""Writes the PDF fixtures: text of our own, a typeface of our own boxes.

    python generate.py

Ran on Python 3.12, reportlab 5.1.0, fonttools 4.68.0, pypdf 7.1.0.
"""

import io

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from pypdf import PdfReader, PdfWriter
from reportlab import rl_config
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

rl_config.invariant = 1

ZH = ["梨树的照料", "梨树喜欢阳光充足的地方。每年冬天要剪去枯枝和病枝，让树", "冠通风透光。春天开花以前要浇足水，花谢以后再施一次肥。", "梨子成熟以后要及时采收，放在阴凉的地方可以保存很久。"]


def boxes():
    """A typeface whose glyphs are boxes, for the characters above."""
    chars = sorted(set("".join(ZH)) | set(map(chr, range(32, 127))))
    names = [".notdef"] + [f"u{ord(c):04X}" for c in chars]
    pen = TTGlyphPen(None)
    pen.moveTo((100, 0))
    pen.lineTo((100, 700))
    pen.lineTo((700, 700))
    pen.lineTo((700, 0))
    pen.closePath()
    box = pen.glyph()
    fb = FontBuilder(1000, isTTF=True)
    fb.setupGlyphOrder(names)
    fb.setupCharacterMap({ord(c): f"u{ord(c):04X}" for c in chars})
    fb.setupGlyf({n: box for n in names})
    fb.setupHorizontalMetrics({n: (1000 if n == ".notdef" or int(n[1:], 16) > 127 else 500, 100) for n in names})
    fb.setupHorizontalHeader(ascent=880, descent=-120)
    fb.setupNameTable({"familyName": "Boxes", "styleName": "Regular", "psName": "Boxes-Regular"})
    fb.setupOS2(sTypoAscender=880, sTypoDescender=-120)
    fb.setupPost()
    out = io.BytesIO()
    fb.font.recalcTimestamp = False
    fb.font["head"].created = fb.font["head"].modified = 0
    fb.save(out)
    out.seek(0)
    return out


def main():
    # English: headings, paragraphs over lines and pages, a hyphen, items, a table's
    # row, page numbers and a running head.
    c = canvas.Canvas("pears.pdf", pageCompression=1)
    c.setTitle("On pears")
    pages = [
        [(20, 72, "On pears", 36), (12, 72, "A pear tree wants sun and a deep soil. It is planted in autumn, while the soil is", 14.4),
         (12, 72, "still warm, and it is pruned every winter so that light and air come to all of its", 14.4), (12, 72, "branches.", 28),
         (15, 72, "What to buy", 24), (12, 72, "• a spade", 16), (12, 72, "• two stakes", 28),
         (12, 72, "The young tree is tied to the stakes so that the wind cannot loosen it, and it is", 14.4), (12, 72, "watered well in the first", 0)],
        [(12, 72, "summer, for its roots do not yet reach far. Early kinds ripen in July, late ones in", 14.4), (12, 72, "October.", 28), (12, 72, "Kind", 0), (12, 200, "Month", 0), (12, 300, "Keeps", 16),
         (12, 72, "Clara", 0), (12, 200, "July", 0), (12, 300, "days", 28)],
        [(12, 72, "Nobody needs more than three trees in one garden.", 14.4)],
    ]
    for i, lines in enumerate(pages):
        c.setFont("Helvetica", 9)
        c.drawString(72, 800, "The fruit garden")
        y = 750
        for size, x, s, step in lines:
            c.setFont("Helvetica-Bold" if size > 12 else "Helvetica", size)
            c.drawString(x, y, s)
            y -= step
        c.setFont("Helvetica", 9)
        c.drawString(290, 40, f"{i + 1}")
        c.showPage()
    c.save()

    # Chinese with an embedded subset and its ToUnicode map.
    pdfmetrics.registerFont(TTFont("Boxes", boxes()))
    c = canvas.Canvas("zh.pdf", pageCompression=1)
    chinese(c, "Boxes")
    # Chinese in a font that is not embedded: its character collection tells.
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    c = canvas.Canvas("zh-cid.pdf", pageCompression=1)
    chinese(c, "STSong-Light")

    # A page without text, and encrypted documents.
    c = canvas.Canvas("drawing.pdf", pageCompression=1)
    c.rect(100, 100, 200, 200)
    c.save()
    for name, user in ("locked.pdf", "secret"), ("restricted.pdf", ""):
        w = PdfWriter(clone_from=PdfReader("zh-cid.pdf"))
        w.encrypt(user_password=user, owner_password="owner", algorithm="RC4-128")
        w.write(name)


def chinese(c, font):
    y = 760
    for i, s in enumerate(ZH):
        size = 18 if i == 0 else 12
        c.setFont(font, size)
        c.drawString(72, y, s)
        y -= 36 if i == 0 else 18 if i == 1 else 30
    c.save()


main()
