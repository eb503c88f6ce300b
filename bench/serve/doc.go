// Command serve measures what a server costs before it answers: how long `troika
// serve` takes from the start of its process to the answer of its first chat
// request, and how much memory it holds at most, compared with the file of the
// weights.
//
//	go build -o .cache/troika ./cmd/troika
//	go run ./bench/serve -troika .cache/troika -rounds 7
//
// It starts the starter with a fresh --home (the starter is unpacked first) and with
// one that was used before, and the Qwen2.5-0.5B shape with random BF16 weights,
// which it writes below .cache once. It also times `troika version`, the least that
// any verb takes. One line per figure: the median, and the smallest and largest.
package main
