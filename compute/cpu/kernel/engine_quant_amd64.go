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
