"""Renders conversations.py with the reference.

    generate.py              templates/*.jinja -> conversations.json, goldens.json
    generate.py --real DIR   DIR/*/tokenizer_config.json and chat_template.jinja -> DIR/expected.json

Ran on transformers 5.23.0, tokenizers 0.23.3, jinja2 3.1.6, Python 3.11.
"""

import copy
import datetime
import json
import pathlib
import sys

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast
from transformers.utils import chat_template_utils as ctu

from conversations import CONVERSATIONS, SETTINGS, TOOLS, VARS


class FixedDatetime(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime(2026, 3, 5, 7, 8, 9)


def render(tokenizer, template, conversation, tools, kwargs):
    try:
        text = tokenizer.apply_chat_template(
            copy.deepcopy(conversation),
            chat_template=template,
            tools=copy.deepcopy(TOOLS) if tools else None,
            tokenize=False,
            **kwargs,
        )
        return {"out": text}
    except Exception as e:  # noqa: BLE001
        return {"err": type(e).__name__, "msg": str(e)}


def tokenizer_with(variables):
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"a": 0}, unk_token="a")), **variables)


def family(template, variables):
    """Every conversation in every setting; a result that an earlier setting
    of the same conversation gave is replaced by that setting's name."""
    tokenizer = tokenizer_with(variables)
    out = {}
    for name, conversation in CONVERSATIONS.items():
        seen = {}
        for setting, tools, kwargs in SETTINGS:
            result = render(tokenizer, template, conversation, tools, kwargs)
            same = next((s for s, r in seen.items() if r == result), None)
            seen[setting] = result
            out.setdefault(name, {})[setting] = {"same": same} if same else result
    return {"vars": variables, "results": out}


def dump(path, out):
    one = lambda v: json.dumps(v, ensure_ascii=False)  # noqa: E731
    families = []
    for name, f in out.items():
        results = ",\n".join(f"{one(k)}: {one(v)}" for k, v in f["results"].items())
        families.append('%s: {"vars": %s, "results": {\n%s\n}}' % (one(name), one(f["vars"]), results))
    text = "{\n" + ",\n".join(families) + "\n}\n"
    path.write_text(text, encoding="utf-8")
    print(path.name, len(out), "templates,", len(text.encode()), "bytes")


def main():
    ctu.datetime = FixedDatetime
    here = pathlib.Path(__file__).parent
    if len(sys.argv) == 3 and sys.argv[1] == "--real":
        root = pathlib.Path(sys.argv[2])
        out = {}
        for config_file in sorted(root.glob("*/tokenizer_config.json")):
            config = json.loads(config_file.read_text(encoding="utf-8"))
            variables = {k: v["content"] if isinstance(v, dict) else v for k, v in config.items() if k in ("bos_token", "eos_token") and v}
            own_file = config_file.with_name("chat_template.jinja")
            template = own_file.read_text(encoding="utf-8") if own_file.exists() else config.get("chat_template")
            if template:
                out[config_file.parent.name] = family(template, variables)
        dump(root / "expected.json", out)
        return
    out = {}
    for file in sorted((here / "templates").glob("*.jinja")):
        out[file.stem] = family(file.read_text(encoding="utf-8"), VARS)
    dump(here / "goldens.json", out)
    document = {"tools": TOOLS, "conversations": CONVERSATIONS, "settings": {name: {"tools": tools, **kwargs} for name, tools, kwargs in SETTINGS}}
    (here / "conversations.json").write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
