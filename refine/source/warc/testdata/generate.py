"""Writes crawl.warc, crawl.warc.gz and crawl.txt with warcio, a WARC library
that shares no code with the reader under test.

Ran on: Python 3.11, warcio 1.8.1. All text is our own.
"""
import gzip
import io

from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

DATE = "2024-05-06T07:08:09Z"


def chunked(body):
    half = len(body) // 2
    parts = [body[:half], body[half:]]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


PAGE = "<html><body><h1>Pears</h1><p>Pears are sweet. 梨很甜。</p></body></html>".encode()
PACKED = gzip.compress(PAGE, mtime=0)
ANSWERS = [
    ("http://h.example/plain", "200 OK", [("Content-Type", "text/html; charset=utf-8")], PAGE, PAGE),
    ("http://h.example/chunked", "200 OK", [("Content-Type", "text/html"), ("Transfer-Encoding", "chunked")], chunked(PAGE), PAGE),
    ("http://h.example/gzip", "200 OK", [("Content-Type", "text/html"), ("Content-Encoding", "gzip")], PACKED, PAGE),
    ("http://h.example/both", "200 OK", [("Content-Type", "text/html"), ("Content-Encoding", "gzip"), ("Transfer-Encoding", "chunked")], chunked(PACKED), PAGE),
    ("http://h.example/gbk", "200 OK", [("Content-Type", "text/plain; charset=gbk")], b"pear", b"pear"),
    ("http://h.example/gone", "404 Not Found", [("Content-Type", "text/html")], b"<p>gone", b"<p>gone"),
]


def write(out, packed):
    w = WARCWriter(out, gzip=packed)

    def add(uri, kind, payload, **more):
        rec = w.create_warc_record(uri, kind, payload=io.BytesIO(payload), warc_headers_dict={"WARC-Date": DATE}, **more)
        w.write_record(rec)

    w.write_record(w.create_warcinfo_record("crawl.warc", {"software": "generate.py"}))
    for uri, status, headers, body, _ in ANSWERS:
        add(uri, "request", b"", http_headers=StatusAndHeaders("GET / HTTP/1.1", [("Host", "h.example")], is_http_request=True))
        add(uri, "response", body, http_headers=StatusAndHeaders(status, headers, protocol="HTTP/1.1"))
    add("http://h.example/meta", "metadata", b"x: y", warc_content_type="application/warc-fields")
    add("urn:file:notes.txt", "resource", b"Notes on pears.", warc_content_type="text/plain")
    add("http://h.example/plain", "conversion", b"Pears\nPears are sweet.", warc_content_type="text/plain")


with open("crawl.warc", "wb") as f:
    write(f, False)
with open("crawl.warc.gz", "wb") as f:
    write(f, True)
with open("crawl.txt", "wb") as f:
    for uri, status, headers, _, body in ANSWERS:
        f.write(("response %s %s %s %s --\n" % (uri, DATE, headers[0][1], status[:3])).encode() + body + b"\n")
    f.write(("resource urn:file:notes.txt %s text/plain 0 --\n" % DATE).encode() + b"Notes on pears.\n")
    f.write(("conversion http://h.example/plain %s text/plain 0 --\n" % DATE).encode() + b"Pears\nPears are sweet.\n")
