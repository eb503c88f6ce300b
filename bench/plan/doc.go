// Command plan compares what troika plan says of a run with what then happens: five
// configurations of shapes, ranks, lengths and batches, one of them on a quantised base,
// with random weights and tokens. Each is planned in one process and run in another, so
// that the memory is that of the run alone.
//
//	go run ./bench/plan            # all, about four minutes
//	go run ./bench/plan -small     # the three small ones
//
// It prints the ratios of what was planned to what happened; asked are 0.85 to 1.15. A
// machine that is shared is faster in one minute than in the next: beside the ratio of the
// time stands that of the processors' time, which says with -threads 1 what the plan itself
// is worth.
package main
