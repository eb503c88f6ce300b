"""Renders the templates of features.py with the reference and writes
features.json.

Ran on transformers 5.23.0, jinja2 3.1.6, Python 3.11.
"""

import datetime
import json
import pathlib

from transformers.utils import chat_template_utils as ctu

from features import CASES, DEFAULT_VARS


class FixedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime(2026, 3, 5, 7, 8, 9, 12345)


def render(template, variables):
    compiled = ctu._compile_jinja_template(template)
    if "generation" in template:
        text, spans = ctu._render_with_assistant_indices(
            compiled_template=compiled,
            messages=variables.get("messages"),
            tools=None,
            documents=None,
            add_generation_prompt=False,
            **{k: v for k, v in variables.items() if k != "messages"},
        )
        # The reference counts characters, this project counts bytes.
        at = [0]
        for c in text:
            at.append(at[-1] + len(c.encode()))
        return {"out": text, "spans": [[at[a], at[b]] for a, b in spans]}
    out = compiled.render(**variables)
    out.encode()  # lone surrogates are no text
    return {"out": out}


def main():
    ctu.datetime = FixedDatetime
    here = pathlib.Path(__file__).parent
    rows = []
    for case in CASES:
        template, variables = case if isinstance(case, tuple) else (case, {})
        row = {"t": template}
        if variables:
            row["v"] = variables
        try:
            row.update(render(template, {**DEFAULT_VARS, **variables}))
        except Exception as e:  # noqa: BLE001
            row["err"] = type(e).__name__
            row["msg"] = str(e)
        rows.append(row)
    lines = [json.dumps(r, ensure_ascii=False) for r in rows]
    text = '{"vars": %s,\n"cases": [\n%s\n]}\n' % (
        json.dumps(DEFAULT_VARS, ensure_ascii=False),
        ",\n".join(lines),
    )
    (here / "features.json").write_text(text, encoding="utf-8")
    print(len(rows), "cases,", sum("err" in r for r in rows), "errors,", len(text), "bytes")


if __name__ == "__main__":
    main()
