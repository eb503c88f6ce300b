"""Writes lines of text in which personal data stands at known places.

    python generate.py COUNT SEED >FILE

Made with python-stdnum 2.2, which makes and checks the numbers. Each line is
JSON: the text and a list of [start, end, kind] in characters. Besides valid data the texts hold near
misses, which are none: wrong check digits, dates and regions that do not exist,
numbers within longer numbers, versions, sections, private addresses, examples
of keys.
"""

import json
import random
import string
import sys

from stdnum import luhn
from stdnum.cn import ric, uscc

REGIONS = """110101 110108 120103 130102 140105 150102 210202 220104 230103 310115 320102 330106 340104 350203
360103 370202 410105 420106 430104 440305 440106 450103 460105 500112 510107 520103 530102 540102 610113 620102
630104 640104 650102 659001 429004 512902""".split()
ALNUM = string.ascii_letters + string.digits


def digits(r, n):
    return "".join(r.choice(string.digits) for _ in range(n))


def date(r):
    return "%04d%02d%02d" % (r.randint(1940, 2015), r.randint(1, 12), r.randint(1, 28))


def cnid(r):
    number = ""
    while not ric.is_valid(number):  # regions come and go
        body = r.choice(REGIONS) + date(r) + digits(r, 3)
        number = body + ric.calc_check_digit(body + "0")
    form = r.random()
    if form < 0.1:
        return number[:6] + " " + number[6:14] + " " + number[14:]
    if form < 0.15:
        return number.lower()
    return number


def wrong_cnid(r):
    body = r.choice(REGIONS) + date(r) + digits(r, 3)
    number = body + ric.calc_check_digit(body + "0")
    kind = r.randrange(4)
    if kind == 0:  # check digit
        number = number[:17] + r.choice([c for c in "0123456789X" if c != number[17]])
    elif kind == 1:  # date
        body = body[:10] + r.choice(["1301", "0230", "0431", "0000", "0932"]) + body[14:]
        number = body + ric.calc_check_digit(body + "0")
    elif kind == 2:  # region
        body = r.choice(["100101", "170203", "990101", "118801", "000000"]) + body[6:]
        number = body + ric.calc_check_digit(body + "0")
    else:  # within a longer number
        number = number[:17] + digits(r, 1) + number[17]
    return number


def card(r):
    prefix, size = r.choice([("62", 19), ("62", 16), ("622", 19), ("621", 19), ("4", 16), ("51", 16), ("55", 16),
                             ("37", 15), ("3530", 16), ("6011", 16), ("36", 14), ("2221", 16)])
    body = prefix + digits(r, size - 1 - len(prefix))
    number = body + luhn.calc_check_digit(body)
    assert luhn.is_valid(number)
    if size >= 16 and r.random() < 0.4:
        sep = r.choice(" -")
        return sep.join(number[i:i + 4] for i in range(0, size, 4))
    return number


def wrong_card(r):
    kind = r.randrange(3)
    number = card(r)
    while kind == 0 and "-" in number:
        number = card(r)
    if kind == 0:  # check digit
        return number[:-1] + str((int(number[-1]) + r.randint(1, 9)) % 10)
    if kind == 1:  # no issuer has it
        body = r.choice(["1", "7", "90", "80", "20"]) + digits(r, 14)
        return body + luhn.calc_check_digit(body)
    return digits(r, 24)


MOBILE = "130 131 135 138 139 147 150 152 158 159 166 170 176 177 180 182 186 188 189 191 195 198 199".split()


def mobile(r):
    number = r.choice(MOBILE) + digits(r, 8)
    form = r.random()
    if form < 0.15:
        sep = r.choice(" -")
        number = number[:3] + sep + number[3:7] + sep + number[7:]
    if r.random() < 0.2:
        # The plus sign stays where it is: it tells nothing.
        number = r.choice(["86", "0086", "86-", "86 "]) + number
        if len(set(c for c in number if c in " -")) > 1:
            number = number.replace(" ", "-")
    return number


def wrong_mobile(r):
    return r.choice([
        lambda: r.choice(["120", "114", "160", "100", "143", "154", "161"]) + digits(r, 8),
        lambda: r.choice(MOBILE) + digits(r, 9),
        lambda: r.choice(MOBILE) + digits(r, 7),
        lambda: "0." + r.choice(MOBILE) + digits(r, 8),
        lambda: r.choice(MOBILE) + digits(r, 8) + "." + digits(r, 2),
        lambda: "SN" + r.choice(MOBILE) + digits(r, 8),
        lambda: digits(r, 4) + "-" + r.choice(MOBILE) + digits(r, 8),
    ])()


PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
PLATE = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def plate(r):
    head = r.choice(PROVINCES) + r.choice(PLATE[:14]) + r.choice(["", "", "·", " "])
    form = r.random()
    if form < 0.6:
        return head + digits(r, 5)
    if form < 0.75:
        return head + r.choice(PLATE) + digits(r, 4)
    if form < 0.9:  # new energy
        return head + r.choice("DF") + digits(r, 5)
    return head + digits(r, 4) + r.choice(["学", "警", "挂"])


def wrong_plate(r):
    return r.choice([
        lambda: r.choice("中大小人") + r.choice(PLATE) + digits(r, 5),
        lambda: r.choice(PROVINCES) + r.choice(PLATE[:10]) + digits(r, 8),
        lambda: r.choice(PROVINCES) + r.choice("ABC") + "组" + digits(r, 5),
        lambda: r.choice(PROVINCES) + "I" + digits(r, 5),
        lambda: r.choice(PROVINCES) + "A" + digits(r, 2),
    ])()


USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def organization(r, wrong=False):
    body = "".join(r.choice("0123456789ABCDEFGHJKLMNPQRTUWXY") for _ in range(8)) if r.random() < 0.5 else "MA" + digits(r, 6)
    total = sum(w * (int(c) if c.isdigit() else ord(c) - 55) for w, c in zip(WEIGHTS, body))
    check = (11 - total % 11) % 11
    if wrong:
        check = (check + r.randint(1, 9)) % 11
    return body + "0123456789X"[check]


def code(r, wrong=False):
    body = r.choice(["91", "91", "92", "51", "52", "11", "12", "93"]) + r.choice(REGIONS[:30]) + organization(r, wrong)
    return body + uscc.calc_check_digit(body)


def usc(r):
    number = code(r)
    assert uscc.is_valid(number), number
    return number


def wrong_usc(r):
    if r.random() < 0.3:
        return code(r, True)
    number = code(r)
    if r.random() < 0.5:
        return number[:17] + r.choice([c for c in USCC if c != number[17]])
    return number + r.choice(ALNUM)


WORDS = "anna bo chen data eve farm gate hill ivy jade kite lake mill north oak pine quay river stone tide".split()


def email(r):
    local = r.choice(WORDS) + r.choice(["", ".", "_", "-", "+"]) + r.choice(WORDS) + digits(r, r.randint(0, 4))
    if r.random() < 0.2:
        local = r.choice(MOBILE) + digits(r, 8)
    return local + "@" + r.choice(WORDS) + r.choice([".com", ".cn", ".com.cn", ".org", ".edu.cn", ".co.uk", "-mail.net"])


def wrong_email(r):
    w = r.choice(WORDS)
    return r.choice(["@" + w, w + "@localhost", w + "@2x.png", w + "@1.2.3", "git@" + w + ".com:x/y.git", w + " @ " + w + ".com", "@" + w + ".decorator()"])


def ip(r):
    if r.random() < 0.25:
        return "2%03x:%s" % (r.randint(0, 0xFFF), ":".join("%x" % r.randint(1, 0xFFFF) for _ in range(7))) if r.random() < 0.6 \
            else "2409:8c%02x:%x::%x" % (r.randint(0, 255), r.randint(1, 0xFFFF), r.randint(1, 0xFFFF))
    return "%d.%d.%d.%d" % (r.choice([8, 36, 47, 59, 61, 101, 113, 119, 180, 202, 218, 220]), r.randint(0, 255), r.randint(10, 255), r.randint(1, 254))


def wrong_ip(r):
    return r.choice([
        lambda: "192.168.%d.%d" % (r.randint(0, 255), r.randint(1, 254)),
        lambda: "10.%d.%d.%d" % (r.randint(0, 255), r.randint(0, 255), r.randint(1, 254)),
        lambda: "127.0.0.1",
        lambda: "%d.%d.%d.%d" % tuple(r.randint(1, 9) for _ in range(4)),
        lambda: "%d.%d.%d.%d" % (r.randint(256, 999), r.randint(0, 255), r.randint(0, 255), r.randint(0, 255)),
        lambda: "v%d.%d.%d.%d" % tuple(r.randint(10, 40) for _ in range(4)),
        lambda: "%d.%d.%d.%d.%d" % tuple(r.randint(10, 99) for _ in range(5)),
        lambda: "std::vector::size",
        lambda: "%02d:%02d:%02d" % (r.randint(0, 23), r.randint(0, 59), r.randint(0, 59)),
        lambda: ":".join("%02x" % r.randint(0, 255) for _ in range(6)),
    ])()


def token(r, n, alphabet=ALNUM):
    while True:
        s = "".join(r.choice(alphabet) for _ in range(n))
        if sum(c.isdigit() for c in s) >= 2 and len(set(s)) >= 10:
            return s


def key(r):
    upper = string.ascii_uppercase + string.digits
    return r.choice([
        lambda: "AKIA" + token(r, 16, upper),
        lambda: "ghp_" + token(r, 36),
        lambda: "sk-" + token(r, 48),
        lambda: "sk-proj-" + token(r, 64),
        lambda: "AIza" + token(r, 35),
        lambda: "LTAI" + token(r, 20),
        lambda: "AKID" + token(r, 32),
        lambda: "hf_" + token(r, 34),
        lambda: "glpat-" + token(r, 20),
        lambda: "xoxb-" + digits(r, 12) + "-" + token(r, 24),
        lambda: "sk_live_" + token(r, 24),
        lambda: "eyJ" + token(r, 30) + "." + token(r, 60) + "." + token(r, 43),
    ])()


def wrong_key(r):
    return r.choice([
        "sk-" + "x" * 48, "AKIAXXXXXXXXXXXXXXXX", "ghp_your_token_here", "sk-your-api-key-goes-right-here-please-now",
        "hf_" + "a" * 34, "ghp_" + digits(r, 8), "task-" + token(r, 40), "AKIA" + token(r, 12), "sk_test_example",
    ])


GOOD = {"cn-id": cnid, "bank-card": card, "mobile": mobile, "plate": plate, "uscc": usc, "email": email, "ip": ip, "api-key": key}
BAD = [wrong_cnid, wrong_card, wrong_mobile, wrong_plate, wrong_usc, wrong_email, wrong_ip, wrong_key]

ZH = ["办理时请带上{}，工作人员会核对。", "联系方式：{}。", "记录里写着{}，没有别的说明", "他把{}发给了同事，然后就下班了。",
      "（{}）已经登记。", "编号{}、编号{}都查过了。", "请核实{}和{}是不是同一个人", "附件：{}；备注：{}"]
EN = ["Please confirm {} before Friday.", "The form says {}, nothing more.", "({}) was logged twice.", "Contact: {}",
      "We compared {} with {} and found no link.", "Reference {}; see also {}."]


def line(r):
    template = r.choice(ZH if r.random() < 0.6 else EN)
    text, spans = "", []
    parts = template.split("{}")
    for i, part in enumerate(parts):
        text += part
        if i == len(parts) - 1:
            break
        if r.random() < 0.55:
            kind = r.choice(list(GOOD))
            value = GOOD[kind](r)
            spans.append([len(text), len(text) + len(value), kind])
        else:
            value = r.choice(BAD)(r)
        text += value
    return {"text": text, "spans": spans}


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    r = random.Random(seed)
    for _ in range(count):
        print(json.dumps(line(r), ensure_ascii=False))


main()
