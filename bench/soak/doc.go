// Command soak loads a server of the starter and two adapters with all kinds of requests at
// once, good and bad, and checks that nothing gives way:
//
//	CGO_ENABLED=1 go run -race ./bench/soak -seconds 600
//
// Chats, plain completions, structured answers and calls of tools, streamed and whole, must
// be to the byte what they were before the load came. Meanwhile clients leave in the middle
// of their answers, read slowly, open connections and say nothing, and send what must be
// refused. At the end, the usage events, the answers' own usage and the metrics must agree
// to the token, and goroutines, heap and weights be back where they were. It talks to
// itself over the loopback interface alone, ends by itself, and exits with 1 where
// something was wrong.
package main
