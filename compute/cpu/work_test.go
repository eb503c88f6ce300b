package cpu

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A caller whose helper is taken off its processor in the middle of a block does without
// it for a while, longer each time, and shares again when the helper is on time.
func TestLateHelpers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w workers
		w.start(2)
		defer w.stop()
		const block = time.Millisecond
		// share runs ten blocks, the second of which takes its worker so long, and returns
		// how long all took and whether two ran at once.
		share := func(slow time.Duration) (took time.Duration, shared bool) {
			var running, most atomic.Int32
			var mu sync.Mutex
			seen := make([]int, 10)
			start := time.Now()
			w.share(10, 1, func(first, end int) {
				if running.Add(1) > 1 {
					most.Store(1)
				}
				defer running.Add(-1)
				for i := first; i < end; i++ {
					mu.Lock()
					seen[i]++
					mu.Unlock()
					if i == 1 && running.Load() > 1 {
						time.Sleep(slow) //nolint:forbidigo // the bubble's clock, not the wall's
					}
					time.Sleep(block) //nolint:forbidigo // the bubble's clock, not the wall's
				}
			})
			for i, n := range seen {
				if n != 1 {
					t.Errorf("item %d was done %d times", i, n)
				}
			}
			return time.Since(start), most.Load() > 0
		}
		if took, shared := share(0); !shared || took > 5*block {
			t.Fatalf("ten blocks by two took %v", took)
		}
		if _, shared := share(3 * block); !shared { // late, but by no more than some blocks
			t.Fatal("work was not shared")
		}
		for _, milliseconds := range []int{20, 40, 80, 160, 320, 320} {
			pause := time.Duration(milliseconds) * time.Millisecond
			if _, shared := share(50 * block); !shared {
				t.Fatalf("work was not shared again before a pause of %v", pause)
			}
			late := time.Now()
			for {
				took, shared := share(50 * block)
				if shared {
					t.Fatalf("work was shared %v after a helper was late, want none for %v", time.Since(late), pause)
				}
				if took > 10*block {
					t.Fatalf("a caller alone took %v for ten blocks", took)
				}
				if time.Since(late) >= pause {
					break
				}
			}
		}
		time.Sleep(time.Second) //nolint:forbidigo // the bubble's clock, not the wall's
		if took, shared := share(0); !shared || took > 5*block {
			t.Errorf("ten blocks by two took %v after the helper was on time again", took)
		}
		if _, shared := share(50 * block); !shared {
			t.Error("work was not shared")
		}
		time.Sleep(aloneLeast) //nolint:forbidigo // the bubble's clock, not the wall's
		if _, shared := share(0); !shared {
			t.Error("the pause did not begin anew after a quiet time")
		}
	})
}
