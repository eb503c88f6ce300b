package filter

import "slices"

// The constants of this file, with their sources:
//
//	filter                  source
//	GopherQuality           Rae et al. 2021, arXiv 2112.11446, appendix A.1.1; datatrove 0.10.1, gopher_quality_filter.py
//	GopherRepetition        the same, table A1; gopher_repetition_filter.py
//	C4                      Raffel et al. 2020, section 2.2; c4_filters.py; terminal marks off as in FineWeb
//	FineWebQuality          Penedo et al. 2024, arXiv 2406.17557; fineweb_quality_filter.py
//	language scores         FineWeb: 0.65 (datatrove, language_filter.py); FineWeb2 cmn_Hani: 0.692
//	FineWeb2 cmn_Hani       huggingface/fineweb-2, configs/cmn_Hani.yml and fineweb-2-pipeline.py
//	ChineseWebText          Chen et al. 2023, arXiv 2311.01149; CASIA-LM/ChineseWebText, preprocess.py
//	DataJuicer              data-juicer, alpaca-cot-zh-refine.yaml
//
// WanJuan, SkyPile, CCI3 and MAP-CC publish no thresholds.

// Least scores of language identification.
const (
	FineWebLanguageScore          = 0.65
	FineWeb2MandarinLanguageScore = 0.692
)

// stopWords are the stop words of Gopher.
var stopWords = []string{"the", "be", "to", "of", "and", "that", "have", "with"}

// mandarinStopWords are the stop words of FineWeb2 for cmn_Hani.
var mandarinStopWords = []string{
	"的", "年", "在", "月", "是", "和", "日", "了", "於", "·", "為",
	"有", "被", "人", "中", "为", "他", "與", "後", "也", "而", "由",
}

// GopherQualityEnglish returns the thresholds of Gopher, which FineWeb uses
// unchanged.
func GopherQualityEnglish() GopherQuality {
	return GopherQuality{
		Lang: "en", MinWords: 50, MaxWords: 100_000, MinMeanWord: 3, MaxMeanWord: 10,
		MaxSymbols: 0.1, MaxBulletLines: 0.9, MaxEllipsisLines: 0.3, MinAlphaWords: 0.8,
		MinStopWords: 2, StopWords: slices.Clone(stopWords),
	}
}

// GopherRepetitionEnglish returns the thresholds of Gopher, which FineWeb uses
// unchanged.
func GopherRepetitionEnglish() GopherRepetition {
	return GopherRepetition{
		Lang: "en", MaxDupParagraphs: 0.3, MaxDupParagraphChars: 0.2, MaxDupLines: 0.3, MaxDupLineChars: 0.2,
		TopGrams: []Gram{{2, 0.2}, {3, 0.18}, {4, 0.16}},
		DupGrams: []Gram{{5, 0.15}, {6, 0.14}, {7, 0.13}, {8, 0.12}, {9, 0.11}, {10, 0.1}},
	}
}

// C4English returns the rules of C4 with the terminal marks switched off, as
// FineWeb has them: the marks are ASCII, and the rule takes out headings.
func C4English() C4 {
	return C4{Lang: "en", MinSentences: 5, MinLineWords: 3, MaxWordLength: 1000}
}

// FineWebEnglish returns the thresholds of FineWeb.
func FineWebEnglish() FineWebQuality {
	return FineWebQuality{
		Lang: "en", MinLinePunct: 0.12, ShortLine: 30, MaxShortLines: 0.67,
		MaxDupLineChars: 0.01, MaxNewlines: 0.3,
	}
}

// FineWeb2MandarinRepetition returns the repetition thresholds of FineWeb2 for
// cmn_Hani; its rules about paragraphs and characters of lines are off.
func FineWeb2MandarinRepetition() GopherRepetition {
	return GopherRepetition{
		Lang: "zh", MaxDupLines: 0.287,
		TopGrams: []Gram{{2, 0.256}, {3, 0.201}, {4, 0.171}},
		DupGrams: []Gram{{5, 0.198}, {6, 0.182}, {7, 0.167}, {8, 0.154}, {9, 0.14}, {10, 0.127}},
	}
}

// FineWeb2MandarinFineWeb returns the FineWeb thresholds of FineWeb2 for
// cmn_Hani; short lines are off.
func FineWeb2MandarinFineWeb() FineWebQuality {
	return FineWebQuality{Lang: "zh", MinLinePunct: 0.106, ShortLine: 30, MaxDupLineChars: 0.1, MaxNewlines: 0.178}
}

// FineWeb2MandarinQuality returns the Gopher quality thresholds of FineWeb2 for
// cmn_Hani.
func FineWeb2MandarinQuality() GopherQuality {
	f := GopherQualityEnglish()
	f.Lang, f.MinMeanWord, f.MaxMeanWord, f.MinAlphaWords = "zh", 1, 5, 0.735
	f.StopWords = slices.Clone(mandarinStopWords)
	return f
}

// ChineseWebTextRules returns the published thresholds, without a list of
// sensitive words.
func ChineseWebTextRules() ChineseWebText {
	return ChineseWebText{MinLength: 200, MinMeanLine: 10, MinHan: 0.3, MaxSensitive: 0.5, MaxRepeated: 0.5}
}

// DataJuicerChinese returns the thresholds of data-juicer's recipe for Chinese
// instruction data, without a list of flagged words.
func DataJuicerChinese() DataJuicer {
	return DataJuicer{Lang: "zh", MinAlphanumeric: 0.1, RepeatLength: 10, MaxRepetition: 0.6, MaxFlagged: 0.017, MinLength: 10}
}
