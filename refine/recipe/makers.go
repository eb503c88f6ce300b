package recipe

import (
	"context"
	"unicode/utf8"

	"github.com/troikaml/troika/refine"
	"github.com/troikaml/troika/refine/dedup"
	"github.com/troikaml/troika/refine/filter"
	"github.com/troikaml/troika/refine/spam"
)

// Makers returns every step and stage that recipes can name, in the order in
// which a corpus usually meets them. A new one is one line here.
func Makers() []Maker {
	return []Maker{
		step("normalize", "normalise Unicode", normalSettings{Form: "nfc"}, newNormal),
		step("chinese-script", "tell Simplified from Traditional Chinese, and convert if asked to", scriptSettings{MaxOther: 0.05}, newScript),
		located("language", "name the language, drop others if asked to", languageSettings{}, newLanguage),
		step("min-length", "drop documents that are too short", lengthSettings{MinChars: 1}, newLength),
		step("spam-lines", "cut the spam that Chinese pages arrive wrapped in, keep the article", spam.Defaults(), func(s spam.Settings) (refine.Step, error) { return spam.New(s) }),
		filterOf("gopher-quality", "Gopher's rules about words and lines, for English", filter.GopherQualityEnglish()),
		filterOf("gopher-quality-zh", "the same with FineWeb2's thresholds for Chinese", filter.FineWeb2MandarinQuality()),
		filterOf("gopher-repetition", "Gopher's rules about repetition, for English", filter.GopherRepetitionEnglish()),
		filterOf("gopher-repetition-zh", "the same with FineWeb2's thresholds for Chinese", filter.FineWeb2MandarinRepetition()),
		step("c4", "C4's rules about lines and pages, for English", filter.C4English(), func(s filter.C4) (refine.Step, error) { return s, filter.Ready(s) }),
		filterOf("fineweb", "FineWeb's rules about lines, for English", filter.FineWebEnglish()),
		filterOf("fineweb-zh", "the same with FineWeb2's thresholds for Chinese", filter.FineWeb2MandarinFineWeb()),
		filterOf("chinesewebtext", "ChineseWebText's rules", filter.ChineseWebTextRules()),
		filterOf("data-juicer-zh", "data-juicer's rules for Chinese instruction data", filter.DataJuicerChinese()),
		located("decontaminate", "drop documents that hold questions of the benchmarks at path", benchmarkDefaults(), newBenchmark),
		maker("redact-pii", "hide personal data and keys behind placeholders", privateSettings{}, newPrivate),
		stage("exact-dedup", "keep one of the documents that fold to the same text", exactSettings{}, newExact("duplicate", false)),
		stage("near-dedup", "keep one of the documents that are nearly the same (MinHash)", nearDefaults(dedup.Documents()), newNear("near-duplicate", false)),
		stage("paragraph-dedup", "keep one of the paragraphs that fold to the same text", exactSettings{MinChars: 40}, newExact("duplicate-paragraph", true)),
		stage("near-paragraph-dedup", "keep one of the paragraphs that are nearly the same (MinHash)", nearDefaults(dedup.Paragraphs()), newNear("near-duplicate-paragraph", true)),
		step("has-label", "drop documents without a label", struct{}{}, func(struct{}) (refine.Step, error) { return labelStep{}, nil }),
		step("whole-chat", "drop conversations without an answered question", struct{}{}, func(struct{}) (refine.Step, error) { return chatStep{}, nil }),
		maker("has-translation", "drop documents without a translation in a folder of its own", pairSettings{From: "en", To: "zh"}, newPairs),
		maker("split", "keep clusters of documents apart for validation and test", splitDefaults(), newSplit),
	}
}

// lengthSettings bound the length of a document.
type lengthSettings struct {
	MinChars int
}

func newLength(s lengthSettings) (refine.Step, error) { return lengthStep{s}, nil }

// lengthStep drops documents that are too short to be of use.
type lengthStep struct{ lengthSettings }

func (lengthStep) Name() string { return "min-length" }

func (s lengthStep) Apply(_ context.Context, d *refine.Document) (refine.Verdict, error) {
	n := utf8.RuneCountInString(d.Text)
	v := refine.Verdict{Scores: map[string]float64{"chars": float64(n)}}
	if n < s.MinChars {
		v.Drop = &refine.Reason{Rule: "too-short", Value: float64(n), Threshold: float64(s.MinChars)}
	}
	return v, nil
}
