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
	dot: [grains]func(int, int, *byte, *byte, *float32, int){
		dotQ8_0, dotQ4_0, dotQ4_1, dotQ5_0, dotQ5_1, dotQ4K, dotQ5K, dotQ6K,
	},
	spread: [grains]func(int, *byte, *byte){
		spreadQ8_0, spreadQ4_0, spreadQ4_1, spreadQ5_0, spreadQ5_1, spreadQ4K, spreadQ5K, spreadQ6K,
	},
	tile: [grains][]roundedTileFunc{
		Q8_0: tilesOfBytes,
		Q4_0: tilesOfSteps, Q5_0: tilesOfSteps,
		Q4_1: tilesOfMinima, Q5_1: tilesOfMinima, Q4K: tilesOfMinima, Q5K: tilesOfMinima,
		Q6K: tilesOfHalves,
	},
}

// avx512Quant multiplies twelve rows at a time. Its spread runs of Q8_0 have no signs.
var avx512Quant = func() quantised {
	q := avx2Quant
	steps := []roundedTileFunc{wideStepsR1, wideStepsR2, wideStepsR3, wideStepsR4, wideStepsR5, wideStepsR6, wideStepsR7, wideStepsR8, wideStepsR9, wideStepsR10, wideStepsR11, wideStepsR12}
	minima := []roundedTileFunc{wideMinimaR1, wideMinimaR2, wideMinimaR3, wideMinimaR4, wideMinimaR5, wideMinimaR6, wideMinimaR7, wideMinimaR8, wideMinimaR9, wideMinimaR10, wideMinimaR11, wideMinimaR12}
	q.tile = [grains][]roundedTileFunc{
		Q8_0: {wideBytesR1, wideBytesR2, wideBytesR3, wideBytesR4, wideBytesR5, wideBytesR6, wideBytesR7, wideBytesR8, wideBytesR9, wideBytesR10, wideBytesR11, wideBytesR12},
		Q4_0: steps, Q5_0: steps,
		Q4_1: minima, Q5_1: minima, Q4K: minima, Q5K: minima,
		Q6K: {wideHalvesR1, wideHalvesR2, wideHalvesR3, wideHalvesR4, wideHalvesR5, wideHalvesR6, wideHalvesR7, wideHalvesR8, wideHalvesR9, wideHalvesR10, wideHalvesR11, wideHalvesR12},
	}
	q.spread[Q8_0] = spreadUnsignedQ8_0
	return q
}()
