package cpu

import "math"

var minusInf = float32(math.Inf(-1))
