package filter

import "slices"

// english are the stop words of Gopher (Rae et al. 2021, appendix A.1.1).
var english = []string{"the", "be", "to", "of", "and", "that", "have", "with"}

// GopherQualityEnglish returns the thresholds of Gopher (Rae et al. 2021,
// appendix A.1.1), which datatrove and FineWeb use unchanged.
func GopherQualityEnglish() GopherQuality {
	return GopherQuality{
		Lang: "en", MinWords: 50, MaxWords: 100_000, MinMeanWord: 3, MaxMeanWord: 10,
		MaxSymbols: 0.1, MaxBulletLines: 0.9, MaxEllipsisLines: 0.3, MinAlphaWords: 0.8,
		MinStopWords: 2, StopWords: slices.Clone(english),
	}
}
