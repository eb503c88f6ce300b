package extract

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestBuildAsReference reads markup, sound and broken, as golang.org/x/net/html
// does.
func TestBuildAsReference(t *testing.T) {
	for _, page := range []string{
		``, `x`, `<`, `a<b`, `1 < 2 & 3 > 2`, `a &amp; b &lt;p&gt; &copy; &#20013;&#x6587; &nosuch;`,
		`<p>one<p>two</p>three</p>four`,
		`<div>a<span>b</span>c<div>d</div>e</div>f`,
		`<ul><li>a<li>b<ul><li>c</ul>d<li>e</ul>f`,
		`<dl><dt>t<dd>d<dd>e<dt>u</dl>`,
		`<h1>a<h2>b</h1>c`,
		`<table><tr><td>a<td>b<tr><th>c</table>d`,
		`<table><caption>c</caption><thead><tr><th>h</thead><tbody><tr><td><table><tr><td>in</table>x</table>`,
		`<tr><td>no table</td></tr>rest`,
		`<a href=x>one<a href=y>two</a>three</a>four`,
		`<p><a href=x>link<p>still</a> none`,
		`<a href=x><div>d<h3>h</h3></div></a>tail`,
		`<div><a href=x><p>p</a>q</div>`,
		`<table><tr><td><a href=x>open<td>cell</table>after`,
		`<b><p>x</b>y</p>z`, `<p><b><i>x</p><p>y</b>z</i>`,
		`<div></span>a</p>b</div></div>c`,
		`<form><div>a</form>b</div>c`, `<form>a<form>b</form>c`,
		`<script>if (a<b) "</scrip>"</script>a<style>p{}</style>b`,
		`<script><!-- <script>x</script> --></script>after`,
		`<script><!-- x --></script>after`,
		`<title>t</title><textarea><p>a</textarea>b<iframe><p></iframe>c`,
		`<noscript><p>n</p></noscript>a`, `<head><noscript><img></noscript></head>a`,
		`<!-- c --><!--> a --><p>b<!--- x -- y --!>c<!-- -- -- -->d<!doctype html>e<?php f ?>g</ h>i</>j`,
		`<svg><title/><path d=""/><g>t</g></svg>a`, `<svg><path><div>b</div>c`, `<svg><foreignObject><div>x</div></foreignObject></svg>d`,
		`<math><mi>x</mi></math>a`, `<svg><style>p{}</style><desc>d</desc></svg>e`,
		`<select><option>a<option>b</select>c`, `<button>x</button>y`, `<video><p>no video</p></video>z`,
		`<template><p>t</p></template>u`, `<object><p>o</p></object>v`,
		`a<br>b</br>c<hr>d`, `<pre>` + "\n a\n  b" + `</pre>c`, `<pre><code>x<b>y</b></code></pre>`,
		`<pre><div>l1</div><div>l2</div></pre>z`, `<p>a<pre>b</pre>c`,
		`<P CLASS=x Class="y">A</P><DIV/>b</DIV>c`, `<p a='>' b=">" c=> d`, `<p a=b/>c</p>`, `<p =x>d`, `<p a"b>e`,
		`<my-card>a</my-card><my-card>b<other-card>c</my-card>d</other-card>e`,
		`<p>unfinished <a href="x`, `<p>unfinished <b`, `<!-- unfinished`, `<script>unfinished`, `<title>unfinished`,
		`<body class=a>x<body class=b>y<html lang=de>z`, `</body>a</html>b`,
		"<p>a\x00b</p>", "<p\x00>a", `<li>a<div>b<li>c`, `<address><li>a<li>b</address>c`,
		`<center>a<p>b</center>c`, `<details><summary>s</summary>d</details>`, `<fieldset><legend>l</legend>f</fieldset>`,
		`<font color=a><p>x</font>y<p>z`, `<i>a<div>b</i>c</div>d`,
	} {
		want, wantLinks := referenceOf(t, page)
		got, gotLinks := ours(t, page)
		if !slices.Equal(got, want) || gotLinks != wantLinks {
			t.Errorf("%s\n got %q, %d in links\nwant %q, %d", page, got, gotLinks, want, wantLinks)
		}
	}
}

// TestBuildIsLinear counts what is built of pages that make other parsers build
// or copy far more than they were given.
func TestBuildIsLinear(t *testing.T) {
	var fonts strings.Builder
	for i := range 400 {
		fmt.Fprintf(&fonts, "<font size=%d>", i)
	}
	for name, c := range map[string]struct{ once, again string }{
		"formatting that is never closed": {"<p>" + fonts.String(), "<p>x"},
		"tags that are passed over":       {"", "x</q>"},
		"nested tables":                   {"", "<table><td>x</table>"},
		"columns":                         {"<table>" + strings.Repeat("<td rowspan=1000 colspan=1000>x", 50), "<tr><td>x"},
		"links":                           {"", "<a href=x>x"},
		"names":                           {"", "<a class='comment share nav'>"},
	} {
		built := func(n int) int {
			p, err := build(c.once + strings.Repeat(c.again, n))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			keep := p.all()
			p.tables(make([]int32, len(keep)), keep)
			return len(p.elements) + len(p.blocks) + len(p.write(keep))
		}
		const n = 100
		one, ten := built(n)-built(0), built(10*n)-built(0)
		if most := 100 * n * len(c.again); ten > 11*one+100 || ten > most {
			t.Errorf("%s: %d things from %d copies, %d from %d", name, one, n, ten, 10*n)
		}
	}
}

func TestBuildBounds(t *testing.T) {
	for name, c := range map[string]struct {
		page string
		want error
	}{
		"depth":    {strings.Repeat("<div>", maxDepth-2) + "x", nil},
		"too deep": {strings.Repeat("<div>", maxDepth-1) + "x", ErrTooDeep},
		"elements": {strings.Repeat("<i></i>", MaxElements-1), ErrTooLarge},
		"blocks":   {strings.Repeat("x<hr>", MaxElements+1), ErrTooLarge},
		"svg":      {"<svg>" + strings.Repeat("<g>", 100_000), ErrTooDeep},
	} {
		if _, err := build(c.page); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestBuildTables(t *testing.T) {
	const page = `<table><tr><th>a<th colspan=2>b<th>c<tr><td rowspan=2>d<td><td>e<td>f<tr><td>g<td colspan=0>h<td></table>`
	p, err := build(page)
	if err != nil {
		t.Fatal(err)
	}
	keep := p.all()
	p.tables(make([]int32, len(keep)), keep)
	const want = "| a | b |  | c |\n| --- | --- | --- | --- |\n| d |  | e | f |\n|  | g | h |"
	if got := p.write(keep); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestBuildSpaces(t *testing.T) {
	for page, want := range map[string]string{
		"a\n  b":               "a b",
		"中\n  文":               "中文",
		"中，\n\t文":              "中，文",
		"中 文":                  "中 文",
		"中\nabc":               "中 abc",
		"a<br>b":               "a\nb",
		"a\x01b\x00c":          "a bc",
		" a&nbsp; <b> b</b> c": "a b c",
		"<pre> a\n  b </pre>":  " a\n  b ",
		"<td>a</td>":           "a",
		"<pre>a<br>b</pre>":    "a\nb",
	} {
		p, err := build(page)
		if err != nil || len(p.blocks) != 1 || p.blocks[0].text != want {
			t.Errorf("%q: %+v, %v; want %q", page, p.blocks, err, want)
		}
	}
}
