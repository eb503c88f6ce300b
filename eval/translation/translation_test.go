package translation

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/troikaml/troika/eval"
)

func Example() {
	given := []string{"The cat sat on the mat.", "It rained all day long."}
	right := []string{"The cat sat on a mat.", "It rained all day."}
	bleu, err := BLEU(Mteval, given, right)
	if err != nil {
		fmt.Println(err)
		return
	}
	chrf, err := ChrF(given, right)
	fmt.Printf("BLEU %.1f, chrF++ %.1f, %v\n", bleu.Score(), chrf.Score(), err)
	// Output: BLEU 51.1, chrF++ 79.3, <nil>
}

// The scores are those of sacreBLEU: see testdata/generate.py.
func TestScores(t *testing.T) {
	b, err := os.ReadFile("testdata/scores.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name                   string
		Hypotheses, References []string
		BLEU                   map[Tokenizer]float64
		ChrF                   float64
	}
	if err := json.Unmarshal(b, &cases); err != nil {
		t.Fatal(err)
	}
	near := func(name string, got, want float64) {
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %.12f, want %.12f", name, got, want)
		}
	}
	for _, c := range cases {
		for _, tok := range []Tokenizer{Mteval, Chinese, None} {
			corpus, err := BLEU(tok, c.Hypotheses, c.References)
			if err != nil {
				t.Fatal(err)
			}
			near(c.Name+", BLEU "+string(tok), corpus.Score(), c.BLEU[tok])
		}
		corpus, err := ChrF(c.Hypotheses, c.References)
		if err != nil {
			t.Fatal(err)
		}
		near(c.Name+", chrF++", corpus.Score(), c.ChrF)
	}
}

func TestStatistic(t *testing.T) {
	given := []string{"one two three four five", "six seven eight nine ten", "a b c d e"}
	right := []string{"one two three four five", "six seven eight nine eleven", "v w x y z"}
	c, err := ChrF(given, right)
	if err != nil || c.Len() != 3 {
		t.Fatal(c.Len(), err)
	}
	stat := c.Statistic()
	if got := stat([]int{0, 0}); got != 100 {
		t.Errorf("a sample of a right sentence scores %g", got)
	}
	if got, want := stat([]int{0, 1, 2}), c.Score(); got != want {
		t.Errorf("the whole sample scores %g, the corpus %g", got, want)
	}
	e, err := eval.Bootstrap(c.Len(), stat, eval.Resampling{Seed: 1})
	if err != nil || !(e.Interval[0] < e.Value && e.Value < e.Interval[1]) {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestRefused(t *testing.T) {
	if _, err := BLEU("ja-mecab", []string{"a"}, []string{"a"}); err == nil {
		t.Error("an unknown tokenizer was taken")
	}
	if _, err := ChrF([]string{"a"}, nil); err == nil {
		t.Error("translations without references were taken")
	}
	if _, err := ChrF(nil, nil); err == nil {
		t.Error("no translations were scored")
	}
}
