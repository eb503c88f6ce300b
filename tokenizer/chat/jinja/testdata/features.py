"""Templates that exercise one feature each. generate.py renders them."""

DEFAULT_VARS = {
    "s": "Hello World",
    "empty": "",
    "cjk": "你好，世界",
    "emoji": "a😀b",
    "i": 7,
    "neg": -7,
    "f": 2.5,
    "big": 123456789012345678901234567890,
    "t": True,
    "n": None,
    "xs": [3, 1, 2],
    "words": ["b", "A", "c", "a"],
    "d": {"z": 1, "a": {"k": [1, 2.0, "x"]}, "content": "text", "items2": None},
    "users": [
        {"name": "ann", "age": 3, "on": True, "tag": "x"},
        {"name": "Bob", "age": 1, "on": False, "tag": "y"},
        {"name": "cid", "age": 2, "on": True, "tag": "X"},
    ],
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yo"},
        {"role": "user", "content": "é"},
        {"role": "assistant", "content": "你好"},
    ],
}


def exprs(*sources):
    return ["{{ %s }}" % s for s in sources]


CASES = []

# Whitespace control, comments, raw.
CASES += [
    "a\n{% if true %}\nb\n{% endif %}\nc",
    "a\n  {% if true %}  \n  b\n  {% endif %}\n c\n",
    "a\n  {%- if true -%}  \n  b\n  {%- endif -%}\n c\n\n",
    "  {%+ if true %}x{% endif +%}\n y",
    "a {# comment #} b\n  {# line #}\nc {#- x -#} d\n{#+ e +#}\nf",
    "a {# {{ nothing }} {% nor %} #}b",
    "  {{ 1 }}  \n  {{- 2 -}}  \n  {{ 3 }}\n",
    "x\n  {{+ 4 }}\n",
    "{% raw %}{{ a }}{% if %}{# c #}{% endraw %}z",
    "  {%- raw -%}  {{ a }}\n  {%- endraw -%}  z",
    "a\n  {% raw %}\n  b\n  {% endraw %}\n  c",
    "{%raw%}x{%endraw%}",
    "line\r\nline2\rline3\n\n",
    "{{ 'a\r\nb' }}",
    "\n\n{% set x = 1 %}\n\n{{ x }}\n",
    "{% if true %}\n\n  a{% endif %}   {% if true %}b{% endif %}\n",
    "a{% if true %}   {% endif %}b",
    "  {% set a = 1 %}  {% set b = 2 %}\n{{ a }}{{ b }}",
    "\t{% if true %}\tx\t{% endif %}\t",
    "{{ '{{' }} {{ '}}' }} {{ '%}' }}",
    "{{ {'a': {'b': 1}}['a']['b'] }}",
    "{%\n  if true\n%}\nok{% endif\n%}",
    "{ {% if 1 %}{{% endif %} {",
    "} }} %} #}",
    "{#a#}{#b#}\n{#c#}",
    "\u3000{% if true %}x{% endif %}",
]

# Literals and escapes.
CASES += exprs(
    r"'\n\t\\\'\"\a\b\f\v\r'",
    r"'\x41\u00e9\U0001F600\101\7'",
    r"'\d\é\你\q'",
    "'a' 'b' \"c\"",
    "'it''s'",
    "1_000 + 0x1F + 0b101 + 0o17",
    "1.5e3, 1e-7, 2.50, 1e16, 123456789.123, 1E+20, 0.1",
    "10000000000000000.0, 0.0001, 0.00001, 1e22, 1.0",
    "123456789012345678901234567890",
    "[], (), {}, (1,), (1, 2), [1,], {'a': 1,}",
    "true, True, false, False, none, None",
    "[true, none, 1, 1.0, 'a', \"it's\", 'q\"q', 'both\\'\"']",
    "['\\n\\t\\r\\x00\\x7f\\xa0\\u200b\\u2028', 'é', '你', '😀', '\\U000e0001']",
    "{'a': 1, 2: 'b', none: true, 1.5: [1], (1,2): {}}",
    "{1: 'a', 1.0: 'b', true: 'c'}",
    "{'x': 1, 'y': 2, 'x': 3}",
    "(((((1)))))",
    "1, 2",
    "'a' if true",
    "'\\ud83d'",
    "'\\x4'",
    "3.real, 3.5",
)

# Arithmetic.
CASES += exprs(
    "7 // 2, -7 // 2, 7 // -2, -7 // -2",
    "7 % 3, -7 % 3, 7 % -3, -7 % -3",
    "7.5 // 2, -7.5 // 2, 7.5 % 2, -7.5 % 2, 7.5 % -2, -0.0 // 1",
    "7 / 2, 6 / 2, 1 / 3, -1 / 3",
    "2 ** 10, 2 ** -1, 2 ** 0.5, -2 ** 2, 2 ** 3 ** 2, 0 ** 0, (-1) ** 5, 0.0 ** 0",
    "2 ** 100, -(2 ** 70), 2 ** 64 // 3, -(2 ** 64) % 1000, 2 ** 64 / 2 ** 60",
    "1 + 2.0, 1 - 2, 3 * 4, 3 * 1.5, true + 1, true * 3",
    "9223372036854775807 + 1, 4611686018427387904 * 4, -9223372036854775808 - 1",
    "3000000000 * 3000000000, 5000000000 // 3, 5000000000 % -7",
    "0.1 + 0.2, 1e308 * 10, -1e308 * 10, 1e308 * 10 - 1e308 * 10",
    "-i, +i, -f, +f, -true, - - 3",
    "1 / 0", "1 // 0", "1 % 0", "1.0 / 0", "1.0 % 0", "1.0 // 0", "0 ** -1",
    "'ab' * 3, 3 * 'ab', 'ab' * 0, 'ab' * -1, [1] * 2, (1,) * 2, 'x' * true",
    "'a' + 'b', [1] + [2], (1,) + (2,)",
    "'a' + 1", "1 + 'a'", "[1] + (2,)", "none + 1", "'a' * 'b'", "[] * 1.5", "'a' - 'b'", "{} + {}", "-'a'", "'a' ** 2", "-none",
    "1 ~ 2 ~ 'a' ~ none ~ true ~ 1.0 ~ [1]",
    "1 + 2 ~ 3 * 2", "'a' ~ 1 + 2",
    "big + 1, big * big, big // 7, big % 7, -big, big / 3, big * 1.5",
    "10 ** 400 * 1.5",
    "1 + 2 * 3 - 4 / 2", "(1 + 2) * 3", "2 * 3 % 4", "-3 ** 2", "-i|abs", "(-i)|abs", "-f|round",
)

# Comparison and logic.
CASES += exprs(
    "1 < 2, 2 <= 2, 3 > 4, 4 >= 4, 1 == 1.0, 1 != 2, true == 1, 'a' == 'a', none == none, none == false",
    "1 < 2 < 3, 1 < 3 < 2, 1 < 2 > 1, 3 > 2 == 2, 1 == 1 in [1, true]",
    "'a' < 'b', 'a' < 'B', 'ab' < 'b', '' < 'a', '你' > 'z'",
    "[1, 2] < [1, 3], [1] < [1, 2], (1, 'a') < (1, 'b'), [1, 2] == [1, 2.0], (1,) == [1]",
    "{'a': 1, 'b': 2} == {'b': 2, 'a': 1}, {'a': 1} == {'a': 2}, {} == {}",
    "1 < 'a'", "[1] < 1", "none < 1", "{} < {}", "none > none", "1 <= 'a'",
    "big > 1, big < 1e40, big == big + 0, 9007199254740993 == 9007199254740992.0",
    "1 in [1, 2], 3 in [1, 2], 1.0 in [1], 'a' in 'abc', '' in 'abc', 'z' not in 'abc', 'a' in {'a': 1}, 1 in (1,), 'b' not in {'a': 1}",
    "[1] in [[1], [2]], 2 in range(5), 5 in range(5), 'a' in d, 'a' in d.keys(), 1 in d.values(), ('z', 1) in d.items()",
    "1 in 'a'", "1 in 5", "1 in none", "[1] in {}", "'a' in nothing", "nothing in [1]", "nothing in 'abc'",
    "true and 1, 0 and 1, '' or 'x', 'a' or 'b', none or [], [] and 1, not 1, not '', not []",
    "not true == false", "not 1 in [1]", "1 not in [1] == false", "not not 1",
    "1 if true else 2, 1 if false else 2, (1 if 0) is undefined, 'a' if [] else 'b' if 0 else 'c'",
    "(1 if false).x", "x if x is defined else 'no'", "('b' if t else 'd') ~ ('b' if n else 'd')",
    "true and false or true", "false or true and false", "1 or 1 / 0", "0 and 1 / 0",
    "[] or {} or '' or 0 or none", "1 == true and 0 == false",
)

# Undefined.
CASES += exprs(
    "nothing", "nothing ~ 'x'", "nothing.x", "nothing['x']", "nothing()", "nothing + 1", "1 + nothing", "'a' + nothing",
    "nothing * 2", "-nothing", "nothing < 1", "1 < nothing", "nothing == nothing, nothing == 1, nothing != none",
    "nothing|length, nothing|list, nothing|join, nothing|upper, nothing|trim, nothing|first is undefined, nothing|default('d')",
    "nothing|int", "nothing|float", "nothing|abs", "nothing|tojson", "nothing|items|list", "nothing|round", "nothing|sum, nothing|string",
    "nothing|last", "nothing|reverse|list", "nothing|sort, nothing|unique|list, nothing|map('upper')|list, nothing|select|list",
    "nothing|min is undefined", "nothing|dictsort", "nothing|indent", "nothing|replace('a', 'b') ~ '|'", "nothing|attr('x')",
    "d.nope", "d.nope.more", "d['nope']['more']", "d.a.nope is defined, d.nope is defined, nothing is defined",
    "xs[10]", "xs[10].x", "xs['a']", "xs.foo.bar", "s.foo.bar", "none.foo", "none.foo.bar", "none['a'].b", "i.foo.bar", "i[0]", "i[0].x", "s[99].x", "(1,)[5].x", "range(3)[9].x",
    "d[[1]] is undefined", "d[none] is undefined", "xs[1.0] is undefined", "xs[true]",
    "not nothing, nothing or 1, nothing and 1", "[nothing]", "{'a': nothing}", "nothing is none, nothing is string, nothing is iterable, nothing is sequence, nothing is mapping, nothing is callable, nothing is number",
    "nothing[1:]", "d.nope|default('x'), d.items2|default('x'), d.items2|default('x', true), ''|d('e'), ''|d('e', boolean=true)",
    "'%s' % nothing", "nothing % 2", "nothing in nothing", "loop.index", "caller()", "nothing|wordcount, nothing|title, nothing|capitalize, nothing|count, nothing|e",
)
CASES += [
    "{% for x in nothing %}x{% else %}none{% endfor %}",
    "{% for x in nothing.y %}x{% endfor %}",
    "{% if nothing %}a{% else %}b{% endif %}",
    "{% set a, b = nothing %}",
]

# Attributes, items, slices.
CASES += exprs(
    "d.z, d['z'], d.content, d.a.k[1], d['a']['k'][2], d.a.k.2, d.a.k[-1]",
    "d.items is defined, d.keys()|list, d.values()|list|length, d.items()|list|first, d.get('z'), d.get('q'), d.get('q', 5)",
    "d.keys(), d.values(), d.items()", "d.keys()[0] is undefined", "d.keys()|length, d.items()|length",
    "{'items': 5}['items'], {'get': 1}['get']",
    "xs[0], xs[-1], xs[1:], xs[:1], xs[::-1], xs[::2], xs[-2:], xs[5:], xs[:-1], xs[2:0], xs[2:0:-1], xs[:], xs[1:2], xs[-100:100]",
    "s[0], s[-1], s[1:4], s[::-1], s[:5], s[-5:], s[::3], s[8:2:-2], cjk[0], cjk[1:3], cjk[::-1], emoji[1], emoji[1:], emoji[::-1]",
    "(1, 2, 3)[1:], range(10)[2:8:3]|list, range(5)[::-1]|list, range(10)[3], range(3)[-1]",
    "xs[::0]", "xs['a':]", "xs[1.5:]", "d[1:]", "i[1:]", "n[1:]", "xs[none:none]", "xs[big:], xs[:big], xs[-big:]",
    "d.update", "d.update({'a': 1})", "d.pop('a')", "d.clear()", "d.setdefault('a', 1)", "xs.append(1)", "xs.append", "xs.pop()", "xs.sort()", "xs.insert(0, 1)", "xs.extend([1])", "xs.reverse()", "xs.remove(1)",
    "s.__class__", "s.__class__.mro", "xs.__len__()", "d.__class__ is undefined, d._x is undefined, d.__foo__ is undefined", "d['__class__'].x", "d.__init__.x",
    "i.real, f.is_integer(), 4.0.is_integer(), f.real, i.numerator, i.denominator, i.imag, f.imag, i.bit_length()",
    "xs.index(1), xs.count(3), xs.copy(), (1, 2).index(2), (1, 1).count(1), d.copy() == d",
    "xs.index(99)", "d[{}] is defined",
    "messages[0].role, messages[0]['content'], messages[-1].content, messages|length, messages[1:]|length",
    "(messages|last).content, (messages|first)['role'], messages[0].get('role'), messages[0].get('name') is none",
)

# String methods.
CASES += exprs(
    "s.upper(), s.lower(), s.title(), s.capitalize(), s.swapcase()",
    "'they\\'re bill\\'s'.title(), 'hELLO wORLD-foo bar_baz'.title(), 'ß straße'.upper(), 'ÀÉ'.lower(), 'ſ'.upper(), 'ǆ'.title(), 'ﬁ x'.capitalize(), 'ΑΣ ΑΣΑ'.lower(), 'İ'.lower()",
    "'  a b  '.strip(), '|' ~ '  a '.lstrip() ~ '|', '|' ~ ' a  '.rstrip() ~ '|', 'xxaxx'.strip('x'), 'xyaxy'.strip('xy'), 'abc'.lstrip('a'), 'abc'.rstrip('bc'), '\\n a\\n'.strip('\\n')",
    "'\\x1c\\u3000a\\x85'.strip(), ' a '.strip(none), 'ab'.strip('')",
    "'a,b,c'.split(','), 'a,b,c'.split(',', 1), 'a  b c'.split(), '  a b '.split(), ' a b c '.split(none, 1), ''.split(), ''.split(','), 'a,'.split(','), 'abc'.split('b'), 'a b c'.split(maxsplit=1), 'aXXbXXc'.split('XX')",
    "'a,b,c'.rsplit(',', 1), ' a b c '.rsplit(none, 1), 'a b'.rsplit(), 'a,b'.rsplit(','), 'a,,b'.rsplit(',', 1), ','.rsplit(',', 2), ''.rsplit(',', 1), ' a'.rsplit(none, 3)",
    "'a'.split('')", "'a'.split(1)", "'a'.strip(1)",
    "'a\\nb\\r\\nc\\rd\\x0be\\u2028f'.splitlines(), 'a\\n'.splitlines(), 'a\\n\\n'.splitlines(true), ''.splitlines(), 'a\\r\\n'.splitlines(keepends=true)",
    "s.startswith('He'), s.endswith('ld'), s.startswith(('x', 'He')), s.endswith(('a', 'b')), s.startswith('World', 6), s.startswith('o', 4, 5), s.startswith(''), s.endswith('', 99), s.startswith('', 99)",
    "s.startswith(1)", "s.startswith(['He'])", "s.startswith((1,))", "s.startswith()",
    "s.replace('l', 'L'), s.replace('l', '', 1), s.replace('', '-'), s.replace('x', 'y'), s.replace('o', 'oo', 0), s.replace('l', 'L', -1)",
    "s.replace('l')", "s.replace('l', 1)",
    "s.find('o'), s.find('o', 5), s.find('z'), s.rfind('o'), s.index('W'), cjk.find('世'), s.find('o', 0, 4), s.find('', 3), s.find('', 99), s.rindex('l')",
    "s.index('z')", "s.count('l'), s.count(''), s.count('l', 4), s.count('xx')",
    "'-'.join(['a', 'b']), ''.join([]), ', '.join('abc'), '-'.join(d), '-'.join(words|map('upper'))", "'-'.join([1])", "'-'.join(5)",
    "'abc'.center(9) ~ '|', 'ab'.center(5, '*'), 'abc'.center(6, '*'), 'a'.ljust(3, '.'), 'a'.rjust(3), 'a'.zfill(3), '-5'.zfill(4), 'abc'.zfill(2)",
    "'a=b=c'.partition('='), 'a=b=c'.rpartition('='), 'abc'.partition('x'), 'abc'.rpartition('x')",
    "'prefix-x'.removeprefix('prefix-'), 'x.txt'.removesuffix('.txt'), 'x'.removeprefix('y'), 'x'.removesuffix('')",
    "'12'.isdigit(), 'a1'.isalnum(), 'ab'.isalpha(), ' '.isspace(), 'AB'.isupper(), 'ab'.islower(), ''.isdigit(), 'aB'.isupper(), '1'.isupper(), '½'.isnumeric(), 'é'.isascii(), ''.isascii(), '你'.isalpha()",
    "'{} {}'.format(1, 'a'), '{0}{1}{0}'.format('a', 'b'), '{x}'.format(x=1), '{{}}'.format(), '{0.a.k[0]} {0[z]}'.format(d), '{!r} {!s}'.format('a', 'b')",
    "'{:>5}|{:<5}|{:^5}|{:*^5}'.format('a', 'b', 'c', 'd'), '{:05d} {:+d} {:x} {:#x} {:b} {:o} {:,} {:_}'.format(42, 42, 255, 255, 5, 8, 1234567, 1234567)",
    "'{:.2f} {:8.3f} {:e} {:g} {:%} {:.1%} {:.3}'.format(3.14159, 2.5, 12345.678, 0.0001, 0.25, 0.256, 'abcdef')",
    "'{:010.2f} {: } {:,.2f} {:<8d}| {:^+8.1f}|'.format(-3.14159, 5, 1234567.891, 42, 2.5)",
    "'{:{}}|'.format('a', 5), '{:{w}.{p}f}|'.format(3.14159, w=8, p=2)", "'{:>3}'.format('你'), '{:5}|{:5}|'.format(1, 'a'), '{:c}'.format(65), '{:X}'.format(255), '{:,}'.format(1234.5), '{:.0f}'.format(2.5), '{:g}'.format(1e20), '{:.3g}'.format(1234.5)",
    "'{}'.format()", "'{a}'.format()", "'{'.format(1)", "'}'.format(1)", "'{:d}'.format('a')", "'{} {0}'.format(1)", "'{!x}'.format(1)", "'{:.}'.format(1.0)",
    "'{}'.format([1, 'a']), '{}'.format(none), '{:}'.format(1.0), '{}'.format(true)", "'{:d}'.format(true), '{:>5}'.format(true)",
    "'{:5}'.format(none)", "'{0.__class__}'.format(1)",
    "s.nope()", "s.upper(1)", "(s.upper)()", "s.upper is defined",
)

# printf formatting.
CASES += exprs(
    "'%s %s' % (1, 'a'), '%s' % 'x', '%d' % 3.9, '%5d|%-5d|%05d|%+d|% d' % (1, 2, 3, 4, 5), '%x %X %#x %o' % (255, 255, 255, 8)",
    "'%f %.2f %e %g %G' % (1.5, 2.345, 12345.678, 0.00001, 1e-10), '%10.3f|' % 3.14159, '%-10s|%10s|' % ('a', 'b'), '%.2s' % 'abc', '%c%c' % ('a', 66), '%%' % (), '%r' % 'a', '%a' % 'é'",
    "'%(a)s %(b)d' % {'a': 1, 'b': 2}, '%s' % {'a': 1}, '%s' % [1, 2], '%*d' % (5, 1), '%.*f' % (2, 3.14159)",
    "'%s' % (none,), '%s %s' % (true, [1])", "'%s' % ()", "'%d' % 'a'", "'%s' % (1, 2)", "'%z' % 1", "'%' % 1", "'%(a)s' % 1", "'%(q)s' % {'a': 1}", "'%x' % 1.5", "'%f' % 'a'", "'abc' % 1", "'abc' % {}", "'abc' % {'a': 1}", "'%d' % big, '%i' % true, '%+.1e' % 12345, '%#.3g' % 1.0, '%5.1f%%' % 99.5",
    "'%s, %s!'|format('a', 'b'), '%(x)s'|format(x=1)", "'%s'|format(1, x=2)", "'% 5d|%+05d|%-+5d|' % (3, 3, 3)",
)

# Filters.
CASES += exprs(
    "'  a '|trim, 'xax'|trim('x'), 5|trim, s|upper, s|lower, 5|upper, 'hello wOrld-foo (bar) [baz'|title, 'hELLO'|capitalize, none|upper, 'they\\'re'|title, 'ﬁx'|title",
    "s|replace('o', '0'), s|replace('o', '0', 1), 5|replace(5, 6), 'aaa'|replace('a', 'b', count=2), s|replace(none, 1)",
    "s|length, xs|count, d|length, cjk|length, emoji|length, (1, 2)|length, range(5)|length, ''|length", "5|length", "none|length", "(xs|map('string'))|length",
    "xs|join, xs|join(', '), words|join('-'), users|join(', ', attribute='name'), 'abc'|join('.'), [none, true, 1.0]|join(' '), [[1], {}]|join, xs|join(1), d|join(',')", "5|join",
    "xs|first, xs|last, s|first, s|last, []|first is undefined, []|last is undefined, d|first, d|last, range(3)|last, d.items()|last", "5|first", "(xs|map('string'))|last", "[]|first.x",
    "xs|list, s|list, d|list, d.items()|list, range(3)|list, (1, 2)|list", "5|list",
    "xs|sort, xs|sort(reverse=true), words|sort, words|sort(case_sensitive=true), users|sort(attribute='age')|map(attribute='name')|list, users|sort(attribute='tag,age')|map(attribute='name')|list, 'hello'|sort, d|sort", "[1, 'a']|sort", "[none, 1]|sort", "[[2], [1]]|sort, [(2, 'a'), (1, 'b')]|sort, [2, 1.5, true]|sort",
    "xs|reverse|list, s|reverse, (1, 2)|reverse|list, d|reverse|list, range(3)|reverse|list, xs|map('string')|reverse", "5|reverse",
    "xs|unique|list, [1, 1.0, true, 2]|unique|list, ['a', 'A', 'b']|unique|list, ['a', 'A']|unique(true)|list, users|unique(attribute='tag')|map(attribute='name')|list", "[[1]]|unique|list",
    "xs|sum, [1, 2.5]|sum, users|sum(attribute='age'), xs|sum(start=10), []|sum, [[1], [2]]|sum(start=[])", "words|sum", "['a']|sum(start='')",
    "xs|min, xs|max, words|min, words|max, words|max(case_sensitive=true), users|max(attribute='age'), []|min is undefined, 'hello'|max, [1, 1.0]|max, [1.0, 1]|min", "[1, 'a']|min", "[]|max ~ 'x'", "[]|max.x",
    "d|dictsort, {'b': 1, 'A': 2, 'c': 0}|dictsort, {'b': 1, 'A': 2}|dictsort(true), {'b': 1, 'a': 2}|dictsort(by='value'), {'b': 1, 'a': 2}|dictsort(reverse=true), {'b': 1}|dictsort(false, 'key')", "{'b': 1}|dictsort(by='x')", "xs|dictsort", "{1: 1, 'a': 2}|dictsort",
    "d|items|list, {}|items|list", "xs|items|list", "none|items|list",
    "'42'|int, ' 42 '|int, '4.7'|int, 'x'|int, 'x'|int(9), 3.9|int, -3.9|int, none|int, true|int, '0x1f'|int(base=16), '1f'|int(0, 16), '101'|int(base=2), '1_000'|int, [1]|int, '-5'|int, '+5'|int, '0b11'|int(0, 0), ''|int, '1e3'|int, 'nan'|int",
    "1e400|int", "'1e400'|int(5)",
    "'1.5'|float, 'x'|float, 3|float, none|float(2.5), ' 1e3 '|float, true|float, 'inf'|float, '-nan'|float, '1_0.5'|float, 'x'|float('d'), '.5'|float, '5.'|float, '0x1p3'|float",
    "2.5|round, 3.5|round, 2.675|round(2), 2.345|round(2), 5|round, 1234|round(-2), 1250|round(-2), 1350|round(-2), -2.5|round, 2.1|round(method='ceil'), 2.9|round(0, 'floor'), 2.123|round(2, 'ceil'), -2.1|round(method='floor'), 5|round(method='ceil'), 0.5|round, 1.5|round|int, true|round, 12345.678|round(-2), 15.0|round(-1), 25.0|round(-1), 1e300|round(2)", "'a'|round", "1|round(method='x')", "none|round",
    "-5|abs, (-5)|abs, -2.5|abs, true|abs, (-big)|abs", "'a'|abs",
    "'a\\nb\\n\\nc'|indent, 'a\\nb'|indent(2), 'a\\nb'|indent('> '), 'a\\n\\nb'|indent(2, true), 'a\\n\\nb'|indent(2, blank=true), 'a\\n'|indent, ''|indent, 'a'|indent(first=true), 'a\\r\\nb'|indent(1)", "5|indent",
    "'a b c'|wordcount, 'don\\'t stop_it, 你好 x-y'|wordcount, ''|wordcount",
    "'<a href=\"x\">&\\'</a>'|e, '<'|escape, 5|e, '<'|e|e, '<'|forceescape, '<'|e|forceescape, '<b>'|safe, 5|safe, '<'|e is escaped, '<' is escaped",
    "'<'|e + '>', '>' + '<'|e, '<'|e ~ '>', '<a>'|safe + '<b>', ('<'|e)|upper, ('<'|e)|length, ['<'|e], ('<'|e)|replace('&', '<'), '%s'|safe % '<', ('<'|safe) * 2, ('a<'|safe).split('<'), ('a'|safe)[0] is escaped, '-'.join(['<'|safe, '<']), ('<'|safe).join(['<', '>'|safe])",
    "('{}'|safe).format('<'), ('a'|safe).replace('a', '<'), ('<'|safe)|trim is escaped, ('<'|safe)|string is escaped, ('<'|safe).nope is defined, ('<'|safe)|tojson",
    "'long text that is long'|truncate(10), 'long text that is long'|truncate(10, true), 'short'|truncate(3, leeway=5), 'long text here'|truncate(8, end='!', leeway=0), 'long text here'|truncate(8, false, '', 0)", "'abc'|truncate(1)",
    "'abc'|center(9) ~ '|', 'a'|center", "1|string, none|string, [1]|string, '1'|string, 1.0|string, true|string",
    "xs|batch(2)|list, xs|batch(2, 'x')|list, []|batch(2)|list, xs|slice(2)|list, xs|slice(2, 'x')|list, range(7)|slice(3)|list, xs|slice(5)|list",
    "users|groupby('on'), users|groupby('tag'), users|groupby('tag', case_sensitive=true), users|groupby('nope', default=1)|length",
    "'a b/c?d=é&x'|urlencode, {'a': 'b c', 'd': '/'}|urlencode, [('x', 1)]|urlencode, 5|urlencode",
    "100|filesizeformat, 1|filesizeformat, 1500|filesizeformat, 1500000|filesizeformat, 1500|filesizeformat(true), 0|filesizeformat, '2e12'|filesizeformat, 999.9|filesizeformat",
    "d|attr('z') is undefined, d|attr('get') is defined, s|attr('upper') is defined, d|attr('update') is defined, d|attr('__class__') is undefined",
    "xs|map('string')|list, words|map('upper')|join, users|map(attribute='name')|list, users|map(attribute='nope', default='-')|list, users|map(attribute='nope')|list, xs|map('float')|list, words|map('replace', 'a', 'z')|list, ['1', 'x']|map('int', default=5)|list, [[1, 2]]|map('join', '-')|list, [[1, 2], [3, 4]]|map(attribute=1)|list, [d]|map(attribute='a.k.0')|list, []|map('nope')|list, users|map('attr', 'name')|list",
    "xs|map('nope')|list", "xs|map|list", "xs|map(attribute='a', foo=1)|list", "5|map('upper')|list", "(xs|map('string')) is iterable, (xs|map('string')) is sequence, 'y' if xs|map('string') else 'n', 'y' if []|map('string') else 'n'",
    "xs|select|list, xs|select('odd')|list, xs|select('gt', 1)|list, xs|reject('odd')|list, [0, 1, '', 'a', none]|select|list, [0, 1]|reject|list, xs|select('divisibleby', 3)|list, xs|select('in', [1, 2])|list, words|select('eq', 'a')|list, words|select('==', 'a')|list",
    "users|selectattr('on')|map(attribute='name')|list, users|rejectattr('on')|map(attribute='name')|list, users|selectattr('age', 'gt', 1)|list|length, users|selectattr('nope')|list, users|selectattr('nope', 'defined')|list, users|rejectattr('name', 'equalto', 'ann')|list|length, messages|selectattr('role', 'equalto', 'user')|map(attribute='content')|join('|'), users|selectattr('age', 'in', [1, 2])|list|length, messages|rejectattr('role', 'in', ['user'])|first",
    "xs|select('nope')|list", "xs|selectattr|list", "5|select|list", "[none]|selectattr('a')|list", "[nothing]|selectattr('a')|list",
    "(messages|selectattr('role', 'eq', 'user')|list)[-1].content",
    "xs|nope", "xs is nope", "(xs|nope) if false else 1", "1 if true else xs|nope", "s|upper|lower|title", "s|upper()|lower()", "'a'|default('b')|upper", "s|replace('o', '')|length > 3", "xs|length + 1", "s|upper ~ 'x'", "(s ~ 'x')|upper", "xs|first|string|length",
    "s|upper(1)", "s|trim(1)", "s|replace('a')", "xs|join(1, 2, 3)", "s|default(foo=1)", "xs|sort(foo=1)", "'x'|d, none|d('y'), false|d('y', true), 0|d('y', true)",
)

# tojson.
CASES += exprs(
    "d|tojson, xs|tojson, s|tojson, none|tojson, true|tojson, 1|tojson, 1.0|tojson, 1e20|tojson, 1e-7|tojson, 'é\"\\\\\\n\\t\\x08\\x0c\\x01\\x7f/<>&\\''|tojson, '你好😀'|tojson, (1, 2)|tojson, {}|tojson, []|tojson, big|tojson",
    "'é你😀\\x7f'|tojson(true), '你'|tojson(ensure_ascii=true), d|tojson(indent=2), [[], {}, [1]]|tojson(indent=2), d|tojson(indent=none), d|tojson(indent='\\t'), xs|tojson(indent=0), {'b': 1, 'a': {'d': 1, 'c': 2}}|tojson(sort_keys=true), xs|tojson(separators=(',', ':')), d|tojson(separators=(',', ': ')), d|tojson(false, 2, none, true), d|tojson(indent=2, separators=(', ', ' : ')), d|tojson(indent=-1)",
    "{1: 1, none: 2, true: 3, 1.5: 4, 'a': 5}|tojson", "{(1, 2): 1}|tojson", "{1: 1, 'a': 2}|tojson(sort_keys=true)", "nothing|tojson", "range(3)|tojson", "(xs|map('string'))|tojson", "d.items()|tojson", "d.get|tojson", "1e400|tojson, (-1e400)|tojson, (1e400 - 1e400)|tojson", "namespace(a=1)|tojson", "[nothing]|tojson", "d|tojson|length", "d|tojson(foo=1)", "users|tojson", "('<'|safe)|tojson|e", "xs|tojson(indent=1)",
)

# Tests.
CASES += exprs(
    "1 is defined, nothing is undefined, none is none, '' is string, d is mapping, xs is sequence, s is sequence, d is sequence, xs is iterable, 5 is iterable, d is iterable, 5 is sequence, none is iterable",
    "1 is number, 1.0 is number, true is number, 'a' is number, 1 is integer, true is integer, 1.0 is integer, 1.0 is float, 1 is float, true is boolean, 1 is boolean, true is true, 1 is true, false is false, 0 is false, none is false",
    "1 is odd, 2 is even, 1 is even, -1 is odd, 2.0 is even, true is odd, 6 is divisibleby 3, 6 is divisibleby(4), 7 is not divisibleby 2", "'a' is odd", "none is even",
    "1 is eq 1, 1 is equalto 2, 1 is ne 2, 1 is lt 2, 1 is lessthan 2, 2 is gt 1, 2 is greaterthan 1, 1 is le 1, 1 is ge 1, none is sameas none, true is sameas 1, xs is sameas xs, [1] is sameas [1], true is sameas true",
    "1 is in [1, 2], 'a' is in 'abc', 3 is not in [1], 'a' is lower, 'A' is upper, 'aA' is lower, 'a' is upper, '1' is lower, 5 is upper", "'upper' is filter, 'nope' is filter, 'odd' is test, 'nope' is test, 'map' is filter, 'filter' is test", "range is callable, s is callable, s.upper is callable, namespace() is callable, namespace is callable, 1 is callable",
    "1 is not none and 2 is not none", "xs is defined and xs|length > 2", "not xs is defined", "1 is string is defined", "x is not defined or y", "1 is defined if true else 2", "d.z is defined, d.q is not defined, xs[0] is defined, xs[9] is defined", "namespace() is mapping, namespace() is iterable, range(3) is sequence, range(3) is iterable, d.keys() is sequence, d.keys() is iterable, d.items() is mapping", "1 is divisibleby 0", "1 is nope", "(1 is nope) if false", "'a' is string and not 'b' is number",
    "5 is gt 3 and 2 is lt 1", "xs is sequence and xs is not string and xs is not mapping",
)

# Statements: if, set, for, with.
CASES += [
    "{% if i == 7 %}a{% elif i == 8 %}b{% else %}c{% endif %}",
    "{% if i == 8 %}a{% elif i == 7 %}b{% elif true %}x{% else %}c{% endif %}",
    "{% if 0 %}a{% elif 0 %}b{% endif %}",
    "{% if i %}{% if f %}x{% else %}y{% endif %}{% endif %}",
    "{% if 1, 2 %}t{% endif %}",
    "{% if true: %}x{% endif %}",
    "{% set x = 1 %}{% set x = x + 1 %}{{ x }}",
    "{% set x %}a{{ 1 }}b{% endset %}{{ x }}{{ x is string }}",
    "{% set x | upper | replace('A', 'q') %}a{{ s }}{% endset %}{{ x }}",
    "{% set x | trim %}  a  {% endset %}[{{ x }}]",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}",
    "{% set a, (b, c) = 1, (2, 3) %}{{ a }}{{ b }}{{ c }}",
    "{% set (a, b) = [1, 2] %}{{ a }}{{ b }}",
    "{% set a, b = 1 %}", "{% set a, b = [1] %}", "{% set a, b = [1, 2, 3] %}", "{% set a, b = 'xy' %}{{ b }}{{ a }}",
    "{% set x = 1, %}{{ x }}", "{% set x = (1) %}{{ x }}", "{% set x = () %}{{ x }}",
    "{% if true %}{% set x = 1 %}{% endif %}{{ x }}",
    "{% if false %}{% set x = 1 %}{% endif %}{{ x is defined }}",
    "{% if false %}{% set s = 1 %}{% endif %}{{ s }}",
    "{% set x = 0 %}{% for a in xs %}{% set x = a %}{% endfor %}{{ x }}",
    "{% for a in xs %}{% set s = s ~ a %}{{ s }} {% endfor %}{{ s }}",
    "{% for a in xs %}{{ y }}{% set y = a %}{{ y }}{% endfor %}{{ y }}",
    "{% for a in xs %}{{ s }}{% endfor %}{% set s = 'later' %}{{ s }}",
    "{{ s }}{% set s = 'x' %}{{ s }}",
    "{% for a in xs %}{% if loop.first %}{% set q = 'f' %}{% endif %}{{ q }}{% endfor %}",
    "{% for a in xs %}{% if loop.first %}{% set s = 'f' %}{% endif %}{{ s }};{% endfor %}",
    "{% if nothing %}{% set x = 1 %}{% else %}{% set x = 2 %}{% endif %}{% for a in [1] %}{{ x }}{% endfor %}",
    "{% for x in xs %}{{ x }}{% endfor %}{{ x }}",
    "{% set x = 'o' %}{% for x in xs %}{{ x }}{% endfor %}{{ x }}",
    "{% set ns = namespace(a=1, b='x') %}{% for x in xs %}{% set ns.a = ns.a + x %}{% endfor %}{{ ns.a }}{{ ns.b }}{{ ns }}",
    "{% set ns = namespace({'q': 1}, r=2) %}{{ ns.q }}{{ ns.r }}{{ ns.zz is defined }}{{ ns['q'] }}",
    "{% set ns = namespace() %}{% set ns.x, ns.y = 1, 2 %}{{ ns.x + ns.y }}",
    "{% set ns = namespace() %}{% set ns.x %}cap{{ 1 }}{% endset %}{{ ns.x }}",
    "{% set ns = namespace() %}{% set ns.items = [1] %}{{ ns.items }}",
    "{% set x = 1 %}{% set x.y = 2 %}", "{% set nothing.y = 2 %}", "{% set d.y = 2 %}",
    "{% set ns = namespace() %}{% set ns._x = 1 %}", "{{ namespace(_x=1) }}", "{{ namespace(1) }}", "{% set ns = namespace() %}{{ ns.q.z }}",
    "{% set ns = namespace(x=[]) %}{% for a in xs %}{% set ns.x = ns.x + [a] %}{% endfor %}{{ ns.x }}",
    "{% set true = 1 %}", "{% set 'a' = 1 %}", "{% set a.b.c = 1 %}", "{% set a[0] = 1 %}", "{% set = 1 %}", "{% set a %}", "{% set f() = 1 %}",
    "{% with a = 1, b = 2 %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% set a = 5 %}{% with a = a + 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}",
    "{% filter upper %}a{{ s }}b{% endfilter %}", "{% filter replace('a', 'b') | upper %}aaa{% endfilter %}",
    "{% filter indent(2, first=true) %}a\nb{% endfilter %}",
    "{% print 1, 2, 'a' %}", "{% print s %}",
    "{% for a in xs %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}",
    "{% for a in xs %}{{ loop.previtem }}-{{ a }}-{{ loop.nextitem }};{% endfor %}",
    "{% for a in xs %}{{ loop.previtem is defined }}{{ loop.nextitem is defined }};{% endfor %}",
    "{% for a in xs %}{{ loop.cycle('x', 'y') }}{% endfor %}", "{% for a in xs %}{{ loop.cycle() }}{% endfor %}",
    "{% for a in [1, 1, 2, 2, 1] %}{% if loop.changed(a) %}{{ a }}{% endif %}{% endfor %}",
    "{% for a in xs if a > 1 %}{{ loop.index }}/{{ loop.length }}:{{ a }}{{ loop.last }};{% else %}none{% endfor %}",
    "{% for a in xs if a > 5 %}{{ a }}{% else %}none{% endfor %}",
    "{% for a in [] %}{{ a }}{% else %}empty{{ a is defined }}{% endfor %}",
    "{% for a in xs if a != 1 %}{{ loop.previtem }}{{ a }}{{ loop.nextitem }}{{ loop.revindex }};{% endfor %}",
    "{% for k, v in d.items() %}{{ k }}={{ v }};{% endfor %}", "{% for k, v in d|items %}{{ k }}={{ v }};{% endfor %}", "{% for k in d %}{{ k }};{% endfor %}",
    "{% for k, v in d|dictsort %}{{ k }};{% endfor %}", "{% for k in d.keys() %}{{ k }};{% endfor %}", "{% for v in d.values() %}{{ v }};{% endfor %}",
    "{% for a, b in [[1, 2], (3, 4), 'xy'] %}{{ a }}{{ b }};{% endfor %}", "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}",
    "{% for a, b in [[1]] %}{% endfor %}", "{% for a, b in [[1, 2, 3]] %}{% endfor %}", "{% for a, b in [1] %}{% endfor %}", "{% for a, b in xs %}{% endfor %}",
    "{% for c in 'héllo' %}{{ c }}.{% endfor %}", "{% for x in range(3) %}{{ x }}{% endfor %}{% for x in range(5, 0, -2) %}{{ x }}{% endfor %}{% for x in range(2, 4) %}{{ x }}{% endfor %}",
    "{% for x in 5 %}{% endfor %}", "{% for x in none %}{% endfor %}", "{% for x in true %}{% endfor %}",
    "{% for x in 1, 2, 3 %}{{ x }}{% endfor %}", "{% for x in [1, 2] + [3] %}{{ x }}{% endfor %}", "{% for x in xs|sort %}{{ x }}{% endfor %}", "{% for x in xs if x is odd and x > 1 %}{{ x }}{% endfor %}",
    "{% for x in (xs if true else []) %}{{ x }}{% endfor %}",
    "{% for x in xs %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endfor %}", "{% for x in xs %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "{% for x in xs %}{% break %}{% else %}E{% endfor %}", "{% for x in xs %}{% continue %}{% else %}E{% endfor %}", "{% for x in xs %}{% if x == 1 %}{% break %}{% endif %}{% else %}E{% endfor %}",
    "{% for x in xs %}{% for y in xs %}{% if y == 1 %}{% break %}{% endif %}{{ y }}{% endfor %}{{ x }}{{ loop.index }};{% endfor %}",
    "{% for x in xs %}{% set o = loop %}{% for y in [1, 2] %}{{ o.index }}{{ loop.index }}{{ x }}{{ y }};{% endfor %}{% endfor %}",
    "{% for x in xs %}{% set z %}{% if x == 1 %}{% break %}{% endif %}{{ x }}{% endset %}[{{ z }}]{% endfor %}",
    "{% for x in xs %}{% set z %}{% if x == 1 %}{% continue %}{% endif %}{{ x }}{% endset %}[{{ z }}]{% endfor %}",
    "{% break %}", "{% continue %}", "{% for x in xs %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
    "{% for loop in xs %}{% endfor %}", "{% for x in xs %}{{ loop|length }}{{ loop is iterable }}{{ loop.nope is defined }}{% endfor %}",
    "{% for x in xs recursive %}{{ x }}{% if x == 3 %}({{ loop([8, 9]) }}){% endif %}{{ loop.depth }}{% endfor %}", "{% for x in xs %}{{ loop([1]) }}{% endfor %}",
    "{% for x in [1, [2, [3, 4]], 5] recursive %}{% if x is iterable %}<{{ loop(x) }}>{% else %}{{ x }}{% endif %}{% endfor %}",
    "{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{{ m.role }}{% endfor %}",
    "{% set ns = namespace(done=false) %}{% for x in xs if not ns.done %}{{ x }}{% if x == 1 %}{% set ns.done = true %}{% endif %}{% endfor %}",
    "{% set g = xs|map('string') %}{{ g|join }}{{ g|join }}|{{ g|list }}", "{% set g = xs|select('odd') %}{% for x in g %}{{ x }}{{ loop.length }}{% endfor %}",
    "{% set g = xs|select('odd') %}{% if g %}yes{% endif %}{{ g[0] is defined }}", "{% set g = users|selectattr('on')|list %}{{ g|length }}{{ g[0].name }}",
    "{% for x in xs|reverse %}{{ x }}{{ loop.last }}{% endfor %}", "{% for x in messages[::-1] %}{{ x.content }}{{ loop.index0 }}{% endfor %}",
    "{% for row in xs|batch(2) %}{{ row|join('-') }};{% endfor %}", "{% for g, us in users|groupby('on') %}{{ g }}:{{ us|map(attribute='name')|join(',') }};{% endfor %}",
    "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set _ = c.reset() %}{{ c.current }}", "{% set j = joiner('|') %}{% for x in xs %}{{ j() }}{{ x }}{% endfor %}", "{{ cycler() }}",
    "{{ dict(a=1, b=2) }}{{ dict({'x': 1}, y=2) }}{{ dict([('a', 1)]) }}{{ dict() }}", "{{ dict(1) }}", "{{ dict([1]) }}", "{{ dict([(1, 2, 3)]) }}",
    "{{ range(3) }}{{ range(1, 5, 2) }}{{ range(0) == range(3, 3) }}{{ range(3) == range(0, 3) }}", "{{ range(100001)|length }}", "{{ range(100000)|length }}", "{{ range(1, 2, 0) }}", "{{ range('a') }}", "{{ range() }}", "{{ range(1.5) }}",
]

CASES += [
    "{% set inf = ('inf' ~ empty)|float %}{% set nan = ('nan' ~ empty)|float %}{{ inf, -inf, nan, 1 < inf, -inf < big, inf == inf, nan == nan, nan < 1, inf < nan, inf > big, inf - inf, [inf, nan]|tojson, nan|int(3) }}",
    "{{ ('inf' ~ empty)|float|int }}",
]

# Macros and calls.
CASES += [
    "{% macro m(a, b=2, c='x') %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(1) }};{{ m(1, 3) }};{{ m(1, c='y') }};{{ m(b=5, a=4) }}",
    "{% macro m(a) %}[{{ a }}]{% endmacro %}{{ m() }}{{ m(1)|upper }}{{ m('x') ~ 'y' }}{{ m is callable }}{{ m.name }}{{ m.arguments }}",
    "{% macro m(a) %}{{ a.x }}{% endmacro %}{{ m() }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(b=2) }}",
    "{% macro m() %}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, x=3) }}", "{% macro m(a) %}{{ a }}{{ varargs|join('-') }}{% endmacro %}{{ m(1, 2, 3) }}",
    "{% macro m(a, a) %}{% endmacro %}", "{% macro m(a=1, b) %}{% endmacro %}", "{% macro m(a, b=a) %}{{ b }}{% endmacro %}{{ m(1) }}",
    "{% macro f(n) %}{% if n > 0 %}{{ n }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}", "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "{% macro m() %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}", "{% macro m() %}{{ s }}{% endmacro %}{{ m() }}{% set s = 1 %}{{ m() }}", "{% macro m() %}{{ s }}{% endmacro %}{{ m() }}",
    "{% macro m() %}{% set x = 5 %}{{ x }}{% endmacro %}{% set x = 1 %}{{ m() }}{{ x }}",
    "{% set ns = namespace(x=0) %}{% macro m() %}{% set ns.x = ns.x + 1 %}{% endmacro %}{{ m() }}{{ m() }}{{ ns.x }}",
    "{% for x in xs %}{% macro m() %}{{ x }}{% endmacro %}{{ m() }}{% endfor %}", "{{ m() }}{% macro m() %}x{% endmacro %}",
    "{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}B{% endmacro %}{{ a() }}",
    "{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}body{{ i }}{% endcall %}", "{% macro m() %}<{{ caller(1, 2) }}>{% endmacro %}{% call(a, b) m() %}{{ a }}{{ b }}{% endcall %}",
    "{% macro m() %}{{ caller is defined }}{{ caller() }}{% endmacro %}{{ m() }}", "{% macro m(x) %}{{ x }}{% endmacro %}{% call m(1) %}b{% endcall %}", "{% macro m(x, caller=none) %}{{ x }}{{ caller() if caller }}{% endmacro %}{{ m(1) }}{% call m(2) %}b{% endcall %}",
    "{% macro m(caller) %}{{ caller() }}{% endmacro %}{% call m() %}b{% endcall %}", "{% call 5 %}{% endcall %}", "{% macro m(x) %}  {{- x -}}  {% endmacro %}[{{ m(1) }}]",
    "{% macro m(*args) %}{% endmacro %}", "{% macro m(xs) %}{% for x in xs %}{{ loop.index }}{{ x }}{% endfor %}{% endmacro %}{{ m(xs) }}{{ m([]) }}",
    "{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*[1, 2]) }}{{ m(**{'a': 3, 'b': 4}) }}{{ m(1, **{'b': 2}) }}", "{{ s.replace(*['l', 'L']) }}", "{{ range(*5) }}", "{{ dict(**5) }}", "{{ dict(**{1: 2}) }}", "{{ dict(a=1, **{'a': 2}) }}",
    "{% macro render(content) %}{% if content is string %}{{ content }}{% else %}{% for p in content %}{{ p.text }}{% endfor %}{% endif %}{% endmacro %}{{ render('a') }}{{ render([{'text': 'b'}, {'text': 'c'}]) }}",
    "{% macro outer() %}{% macro inner(x) %}{{ x }}!{% endmacro %}{{ inner(1) }}{% endmacro %}{{ outer() }}{{ inner is defined }}",
    "{{ s() }}", "{{ 5() }}", "{{ none() }}", "{{ d.get() }}", "{{ d.get('a', 1, 2) }}", "{{ d.get(key='a') }}", "{{ d.get([]) }}", "{{ raise_exception('boom') }}", "{{ raise_exception() }}", "{% if false %}{{ raise_exception('x') }}{% endif %}ok", "{{ raise_exception('a' ~ 1) }}", "a\nb\n{{ raise_exception('line three') }}",
    "{{ strftime_now('%Y-%m-%d %H:%M:%S') }}", "{{ strftime_now('%d %b %Y') }}", "{{ strftime_now('%A %B %-d, %Y %j %U %W %w %u %y %p %I %f %a %c %x %X %% %e %D %F %T %R %h %C %G %V %g %k %l %P %Z|%z|') }}", "{{ strftime_now('%-H:%-M %_d %^a é') }}",
]

# generation blocks.
CASES += [
    "{% for m in messages %}{% if m.role == 'assistant' %}A:{% generation %}{{ m.content }}<e>{% endgeneration %}\n{% else %}U:{{ m.content }}\n{% endif %}{% endfor %}",
    "{% generation %}a{% endgeneration %}b{% generation %}{% endgeneration %}é{%- generation -%} c {%- endgeneration -%} d",
    "{% for m in messages %}{% generation %}{% set x = m.content %}{{ x }}{{ loop.index }}{% endgeneration %}{{ x }}{% endfor %}",
    "{% generation %}x",
    "{% for m in messages %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
]

# Syntax errors.
CASES += [
    "{% if %}", "{% if true %}", "{% endif %}", "{% for x in %}{% endfor %}", "{% for in xs %}{% endfor %}", "{% for x xs %}{% endfor %}", "{% foo %}", "{% if true %}{% endfor %}", "{{ }}", "{{ 1 + }}", "{{ (1 }}", "{{ 1) }}", "{{ [1 }}", "{{ {'a' 1} }}", "{{ 'a }}", "{{ a b }}", "{{ a.}}", "{{ a|}}", "{{ a is }}", "{{ ! }}", "{{ a ? b }}", "{{ 1 if }}", "{{ x", "{% if true", "{# open", "{% raw %}x", "{{ a[1 }}", "{{ a[] }}", "{{ a(1 2) }}", "{{ f(a=1, 2) }}", "{{ f(a=1, a=2) }}", "{{ f(*a, b) }}", "{{ f(**a, *b) }}", "{% set x = %}", "{% macro %}{% endmacro %}", "{% macro m %}{% endmacro %}", "{% if true %}{% else %}{% else %}{% endif %}", "{% for x in xs %}{% elif %}{% endfor %}", "{{ not }}", "{{ a not b }}", "{% 5 %}", "{% %}", "{{ 1 is not }}", "{{ x is defined is defined }}", "{{ 1..2 }}", "{{ @ }}", "{{ 'a' 1 }}", "{% if a = 1 %}{% endif %}", "line1\nline2\n{% if %}", "{{ a; b }}", "{{ {1, 2} }}", "{{ lambda x: x }}", "{{ [x for x in xs] }}", "{{ x := 1 }}", "{% do 1 %}", "{% endfor x %}", "{{ 0123 }}", "{{ 1abc }}", "{{ a..b }}", "{{ -}}", "{{ *a }}", "{% set a = b = 1 %}", "{{ (,) }}", "{{ [,] }}",
]

# Python's str of composed values.
CASES += exprs(
    "d", "users[0]", "messages", "[1.0, 1e100, -0.0, 1e-5, 123456789012345680.0, 1/3]", "{'a': (1,), 'b': {}, 'c': [], 'd': ()}", "[[], [[]], {}, {'a': {}}]", "'\\u200d\\ufeff\\xad'", "['\\u200d\\ufeff\\xad', '\\u0301', 'ａ', '\\ue000', '\\U0001F468']", "[s|e]", "[true, none]|string", "{'k': nothing}", "(1, (2, (3,)))", "[range(3), d.keys()]", "[1, 'a']|string ~ (1,)|string", "1e400, -1e400, 1e400 - 1e400", "2.0 ** 60, 1e15, 1e16, 123456.789e3, 5e-324, 1.7976931348623157e308",
)

# Found by comparing random templates with the reference.
CASES += exprs(
    "'a<'|e|list, ['b'] >= [], [] < ['b'], (1,) > (), nothing|truncate is undefined, xs|truncate(5), 'abc' % [1], 'abc' % nothing",
    "range(9)[1:5:2], range(0)[1:5:2], range(9)[::-1]",
    "nothing.__class__ is defined",
)
CASES += [
    "{% for a, b in [[1, 2], [3, 4]] if a %}{{ loop.previtem }}{{ loop.nextitem }}{% endfor %}",
    "{% for a, b in [[1, 2], [3, 4]] %}{{ loop.previtem }}{{ loop.nextitem }}{% endfor %}",
]
