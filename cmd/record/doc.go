// Command record runs a program and draws what it wrote as an SVG picture of a
// terminal, for the README.
//
//	record -out docs/quickstart.svg -title 'make quickstart' -- bin/troika quickstart --once
package main
