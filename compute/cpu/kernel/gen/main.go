// Command gen writes the AVX2 and AVX-512 kernels of package kernel.
//
// It is a module of its own so that users of the package need neither avo nor
// its dependencies. Run it through go generate in the folder above.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/mmcloughlin/avo/build"
)

// sets names each output file's group of functions.
var sets = map[string]func(){
	"drop":   drop,
	"levels": levels,
	"matmul": matmul,
	"pack":   pack,
	"probe":  probe,
	"quant":  quant,
	"vector": vector,
	"vnni":   vnni,
	"wide":   wide,
}

func main() {
	set := flag.String("set", "", "which group of kernels to write")
	flag.Parse()
	write, ok := sets[*set]
	if !ok {
		fmt.Fprintf(os.Stderr, "gen: unknown set %q\n", *set)
		os.Exit(2)
	}
	build.ConstraintExpr("!noasm")
	write()
	build.Generate()
}

// text opens a function whose pointer arguments do not escape.
func text(name, signature, doc string) {
	build.TEXT(name, build.NOSPLIT, signature)
	build.Pragma("noescape")
	build.Doc(doc)
}

// end closes a function. VZEROUPPER keeps the legacy SSE code that the Go
// compiler emits from paying for dirty upper halves.
func end() {
	build.VZEROUPPER()
	build.RET()
}
