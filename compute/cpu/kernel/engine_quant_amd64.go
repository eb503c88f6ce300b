//go:build amd64 && !noasm

package kernel

// The tiles by what a spread run holds.
var (
	tilesOfBytes  = []roundedTileFunc{tileBytesR1, tileBytesR2, tileBytesR3, tileBytesR4}
	tilesOfSteps  = []roundedTileFunc{tileStepsR1, tileStepsR2, tileStepsR3, tileStepsR4, tileStepsR5, tileStepsR6}
	tilesOfMinima = []roundedTileFunc{tileMinimaR1, tileMinimaR2, tileMinimaR3, tileMinimaR4, tileMinimaR5, tileMinimaR6}
	tilesOfHalves = []roundedTileFunc{tileHalvesR1, tileHalvesR2, tileHalvesR3, tileHalvesR4, tileHalvesR5, tileHalvesR6}
)

var avx2Quant = quantised{
	round: roundRuns,
	dot: [grains]dotFunc{
		dotQ8_0S1, dotQ4_0S1, dotQ4_1S1, dotQ5_0S1, dotQ5_1S1, dotQ4KS1, dotQ5KS1, dotQ6KS1,
	},
	dotTwo: [grains]dotFunc{
		dotQ8_0S2, dotQ4_0S2, dotQ4_1S2, dotQ5_0S2, dotQ5_1S2, dotQ4KS2, dotQ5KS2, dotQ6KS2,
	},
	spread: [grains]spreadFunc{
		spreadQ8_0, spreadQ4_0, spreadQ4_1, spreadQ5_0, spreadQ5_1, spreadQ4K, spreadQ5K, spreadQ6K,
	},
	tile: byShape(tilesOfBytes, tilesOfSteps, tilesOfMinima, tilesOfHalves),
}

// byShape gives each grain the tiles for what its runs spread to.
func byShape(bytes, steps, minima, halves []roundedTileFunc) [grains][]roundedTileFunc {
	return [grains][]roundedTileFunc{
		Q8_0: bytes,
		Q4_0: steps, Q5_0: steps,
		Q4_1: minima, Q5_1: minima, Q4K: minima, Q5K: minima,
		Q6K: halves,
	}
}

// avx512Quant multiplies six rows by two panels at a time, or twelve by one. Its spread
// runs of Q8_0 have no signs.
var avx512Quant = func() quantised {
	q := avx2Quant
	var (
		bytes      = []roundedTileFunc{wideBytesR1P1, wideBytesR2P1, wideBytesR3P1, wideBytesR4P1, wideBytesR5P1, wideBytesR6P1, wideBytesR7P1, wideBytesR8P1, wideBytesR9P1, wideBytesR10P1, wideBytesR11P1, wideBytesR12P1}
		steps      = []roundedTileFunc{wideStepsR1P1, wideStepsR2P1, wideStepsR3P1, wideStepsR4P1, wideStepsR5P1, wideStepsR6P1, wideStepsR7P1, wideStepsR8P1, wideStepsR9P1, wideStepsR10P1, wideStepsR11P1, wideStepsR12P1}
		minima     = []roundedTileFunc{wideMinimaR1P1, wideMinimaR2P1, wideMinimaR3P1, wideMinimaR4P1, wideMinimaR5P1, wideMinimaR6P1, wideMinimaR7P1, wideMinimaR8P1, wideMinimaR9P1, wideMinimaR10P1, wideMinimaR11P1, wideMinimaR12P1}
		halves     = []roundedTileFunc{wideHalvesR1P1, wideHalvesR2P1, wideHalvesR3P1, wideHalvesR4P1, wideHalvesR5P1, wideHalvesR6P1, wideHalvesR7P1, wideHalvesR8P1, wideHalvesR9P1, wideHalvesR10P1, wideHalvesR11P1, wideHalvesR12P1}
		bytesPair  = []roundedTileFunc{wideBytesR1P2, wideBytesR2P2, wideBytesR3P2, wideBytesR4P2, wideBytesR5P2, wideBytesR6P2}
		stepsPair  = []roundedTileFunc{wideStepsR1P2, wideStepsR2P2, wideStepsR3P2, wideStepsR4P2, wideStepsR5P2, wideStepsR6P2}
		minimaPair = []roundedTileFunc{wideMinimaR1P2, wideMinimaR2P2, wideMinimaR3P2, wideMinimaR4P2, wideMinimaR5P2, wideMinimaR6P2}
		halvesPair = []roundedTileFunc{wideHalvesR1P2, wideHalvesR2P2, wideHalvesR3P2, wideHalvesR4P2, wideHalvesR5P2, wideHalvesR6P2}
	)
	q.tile = byShape(bytes, steps, minima, halves)
	q.pair = byShape(bytesPair, stepsPair, minimaPair, halvesPair)
	q.spread[Q8_0] = spreadUnsignedQ8_0
	return q
}()
