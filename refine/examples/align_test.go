package examples_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/troikaml/troika/refine/examples"
)

func Example() {
	for _, p := range examples.Align(
		"# Pears\n\nPears are sweet and keep for days.\n\nWash them first.",
		"# 梨\n\n梨很甜，可以放好几天。\n\n先洗一洗。",
	) {
		fmt.Printf("%s = %s\n", p.Source, p.Target)
	}
	fmt.Println(len(examples.Chunk{MaxChars: 100}.Split(strings.Repeat("A sentence of the text. ", 20))), "pieces")
	// Output:
	// Pears = 梨
	// Pears are sweet and keep for days. = 梨很甜，可以放好几天。
	// Wash them first. = 先洗一洗。
	// 5 pieces
}

// lines is a text with its translation, line by line.
var lines = [][2]string{
	{"# Caring for pear trees", "# 梨树的照料"},
	{"Pear trees like a sunny place and a deep soil that does not dry out in the summer.", "梨树喜欢阳光充足的地方，土层要深，夏天不能干透。"},
	{"## Planting", "## 种植"},
	{"Plant in October or November, when the soil is still warm and the rain comes by itself.", "在十月或十一月种植，那时土壤还暖，雨水也自然会来。"},
	{"- a spade", "- 一把铁锹"},
	{"- two stakes of 180 cm", "- 两根 180 cm 的木桩"},
	{"- some compost", "- 一些堆肥"},
	{"Dig a hole that is twice as wide as the roots, and loosen the ground below it well.", "挖一个比根宽一倍的坑，把坑底的土松好。"},
	{"## Pruning", "## 修剪"},
	{"Prune every winter. Cut out what is dead, what is ill, and what grows into the middle of the tree.", "每年冬天修剪一次。剪去枯枝、病枝，以及向树冠中间生长的枝条。"},
	{"| Kind | Month |", "| 品种 | 月份 |"},
	{"| Clara | 7 |", "| Clara | 7 |"},
	{"| Conference | 10 |", "| Conference（会议梨） | 10 |"},
	{"The press MyTool 2.5 makes juice of what cannot be kept.", "不能保存的果子可以用 MyTool 2.5 榨成汁。"},
	{"Call us when the leaves turn brown before August.", "如果叶子在八月以前变成褐色，请打电话给我们。"},
}

func side(k int, without ...int) string {
	var b strings.Builder
	for i, l := range lines {
		if !slices.Contains(without, i) {
			b.WriteString(l[k] + "\n\n")
		}
	}
	return b.String()
}

func stripped(s string) string { return strings.TrimSpace(strings.Trim(s, "#-| ")) }

// Units that lack on one side are left out and the others still find each other.
func TestAlign(t *testing.T) {
	for _, c := range []struct{ left, right []int }{{}, {left: []int{3}}, {right: []int{6, 9}}, {[]int{1, 13}, []int{5}}} {
		source := side(0, c.left...) + "```\nsome code\n```\n"
		target := side(1, c.right...)
		want := map[string]string{}
		for i, l := range lines {
			if !slices.Contains(c.left, i) && !slices.Contains(c.right, i) && l[0] != l[1] {
				want[stripped(l[0])] = stripped(l[1])
			}
		}
		got := examples.Align(source, target)
		good := 0
		for _, p := range got {
			if want[p.Source] == p.Target {
				good++
			} else if p.Source == p.Target {
				t.Errorf("%q is no translation", p.Source)
			}
			if p.Score <= 0 || p.Score > 1 {
				t.Errorf("%q has score %g", p.Source, p.Score)
			}
		}
		if wrong := len(got) - good; good < len(want)-1 || wrong > 1 {
			t.Errorf("without %v and %v: %d of %d found, %d wrong: %v", c.left, c.right, good, len(want), wrong, got)
		}
		back := examples.Align(target, source)
		if len(back) != len(got) {
			t.Errorf("the other way round %d pairs, not %d", len(back), len(got))
		}
	}
}

func TestAlignRefuses(t *testing.T) {
	prose := strings.Repeat("A long line of text that has nothing to do with the others in the document at all.\n", 9)
	for name, c := range map[string][2]string{
		"nothing":   {"", "text"},
		"no words":  {"---\n123\n", "text"},
		"unlike":    {prose, "# 一\n# 二\n# 三\n# 四\n# 五\n# 六\n# 七\n# 八\n# 九\n"},
		"too large": {strings.Repeat("x\n", 30_000), "text"},
	} {
		if got := examples.Align(c[0], c[1]); len(got) != 0 {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := examples.Align(prose, prose); len(got) != 0 {
		t.Errorf("a text is taken for its own translation: %v", got)
	}
}

func FuzzAlign(f *testing.F) {
	f.Add(side(0), side(1, 2))
	f.Add("# a\n```\nb", "| c |\n1. d\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		n := 0
		for _, p := range examples.Align(a, b) {
			n += len(p.Source)
			if p.Source == "" || p.Target == "" || p.Source == p.Target {
				t.Errorf("a pair of %q and %q", p.Source, p.Target)
			}
		}
		if n > len(a)+len(b) {
			t.Errorf("%d bytes of pairs from %d", n, len(a))
		}
	})
}
