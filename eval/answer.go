package eval

import (
	"context"
	"sync"

	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/infer"
)

// Answers puts each conversation to a model and returns the answers in order: greedily,
// unless o samples. Several run at once; that changes no answer. progress, if not nil, is
// called after each with the number done.
func Answers(ctx context.Context, c *infer.Chat, questions []bundle.Conversation, o infer.ChatOptions, progress func(done int)) ([]string, error) {
	out := make([]string, len(questions))
	err := eachQuestion(ctx, len(questions), func(ctx context.Context, i int) (err error) {
		out[i], _, err = c.Text(ctx, questions[i], o)
		return err
	}, progress)
	return out, err
}

// eachQuestion calls do for the numbers below n, several at once, until one fails.
func eachQuestion(ctx context.Context, n int, do func(ctx context.Context, i int) error, progress func(done int)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	const workers = 8 // as many sequences as an engine runs by default
	next := make(chan int)
	var mu sync.Mutex
	done := 0
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			for i := range next {
				if err := do(ctx, i); err != nil {
					cancel(err)
					continue
				}
				mu.Lock()
				done++
				if progress != nil {
					progress(done)
				}
				mu.Unlock()
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}
