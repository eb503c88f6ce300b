package local_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/troikaml/troika"
	"github.com/troikaml/troika/adapter"
	"github.com/troikaml/troika/bundle"
	"github.com/troikaml/troika/compute/cpu"
	"github.com/troikaml/troika/model/all"
	"github.com/troikaml/troika/serve"
	"github.com/troikaml/troika/serve/local"
)

// writeAdapters writes adapters that change the starter's answers, and returns their
// folder and the starter's digest.
func writeAdapters(t *testing.T, dev *cpu.Device, n int) (dir string, base troika.Digest) {
	t.Helper()
	b, err := bundle.Open(starterDir, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	if base, err = b.Digest(); err != nil {
		t.Fatal(err)
	}
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	dir = t.TempDir()
	for i := range n {
		x, err := adapter.New(dev, m, adapter.Config{Rank: 2, Alpha: 4}, uint64(i))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range x.Pairs() { // B of a fresh adapter is zero
			v := make([]float32, p.B.Len())
			for j := range v {
				v[j] = float32((j*7+i*13)%11-5) / 2
			}
			dev.WriteFloats(p.B, v)
		}
		if err := x.Save(filepath.Join(dir, fmt.Sprint(i)), "starter"); err != nil {
			t.Fatal(err)
		}
		x.Free()
	}
	return dir, base
}

// Tuned adapters that come while requests run answer as they do alone, whatever
// leaves memory and comes back meanwhile.
func TestOffer(t *testing.T) {
	const adapters, most = 5, 2
	dev := cpu.New(cpu.Options{Threads: 2})
	defer dev.Close()
	dir, base := writeAdapters(t, dev, adapters)
	before := dev.Stats().Weights
	e := local.New(dev, local.Options{Known: all.Architectures(), Context: 64, AdapterMemory: most * sizeOf(t, dev, dir)})
	if err := e.AddBase("starter", starterDir); err != nil {
		t.Fatal(err)
	}
	req := func(model string) serve.ChatRequest {
		return serve.ChatRequest{Model: model, Messages: []serve.Message{{Role: "user", Content: "What is a slice?"}}, Sampling: serve.Sampling{MaxTokens: 8}}
	}
	plain, err := ask(e, req("starter"))
	if err != nil {
		t.Fatal(err)
	}
	alone := map[string]string{"starter": plain}
	for i := range adapters {
		one := local.New(dev, local.Options{Known: all.Architectures(), Context: 64})
		name := fmt.Sprint("ft:starter:me::", i)
		err := errors.Join(one.AddBase("starter", starterDir), one.AddAdapter(name, filepath.Join(dir, fmt.Sprint(i)), "starter", starterDir))
		if err != nil {
			t.Fatal(err)
		}
		if alone[name], err = ask(one, req(name)); err != nil || alone[name] == plain {
			t.Fatalf("%s answers %q as its base, %v", name, alone[name], err)
		}
		one.Close()
	}
	var wg sync.WaitGroup
	for i := range adapters {
		name := fmt.Sprint("ft:starter:me::", i)
		wg.Go(func() {
			if _, err := ask(e, req("starter")); err != nil {
				t.Error(err)
			}
			err := e.Offer(local.Tuned{
				Name: name, Dir: filepath.Join(dir, fmt.Sprint(i)), Parent: "starter", BaseDir: starterDir, Base: base, OwnedBy: "me",
			})
			if err != nil {
				t.Error(err)
			}
			for range 3 {
				for _, m := range []string{name, "starter"} {
					if got, err := ask(e, req(m)); err != nil || got != alone[m] {
						t.Errorf("%s answers %q, alone %q, %v", m, got, alone[m], err)
					}
				}
			}
		})
	}
	wg.Wait()
	if infos := e.Models(); len(infos) != 1+adapters || infos[1].OwnedBy != "me" || infos[1].Kind != serve.KindAdapter {
		t.Errorf("models %+v", infos)
	}
	e.Close()
	if now := dev.Stats().Weights; now != before {
		t.Errorf("%d bytes of weights are held after closing", now-before)
	}
}

// sizeOf returns what the first of the written adapters takes in memory.
func sizeOf(t *testing.T, dev *cpu.Device, dir string) int64 {
	t.Helper()
	b, err := bundle.Open(starterDir, all.Architectures())
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Load(dev, false)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Free()
	x, err := adapter.Open(dev, m, filepath.Join(dir, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer x.Free()
	return x.Bytes()
}

// What rests is freed, down to what adapters may take, also of those that were there when
// the server started; what answers is not, and comes back when it is asked again.
func TestRest(t *testing.T) {
	dev := cpu.New(cpu.Options{Threads: 1})
	defer dev.Close()
	dir, base := writeAdapters(t, dev, 3)
	e := local.New(dev, local.Options{Known: all.Architectures(), Context: 64, AdapterMemory: sizeOf(t, dev, dir)})
	defer e.Close()
	if err := e.AddBase("starter", starterDir); err != nil {
		t.Fatal(err)
	}
	var sizes []int64
	for i := range 3 {
		name := fmt.Sprint(i)
		err := e.Offer(local.Tuned{Name: name, Dir: filepath.Join(dir, name), Parent: "starter", BaseDir: starterDir, Base: base})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ask(e, serve.ChatRequest{Model: name, Messages: []serve.Message{{Role: "user", Content: "Hi"}}, Sampling: serve.Sampling{MaxTokens: 1}}); err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, dev.Stats().Weights)
	}
	if sizes[1] != sizes[0] || sizes[2] != sizes[0] {
		t.Errorf("weights of %v bytes after one, two and three adapters", sizes)
	}
	if err := e.AddAdapter("always", filepath.Join(dir, "0"), "starter", starterDir); err != nil {
		t.Fatal(err)
	}
	if now := dev.Stats().Weights; now != sizes[0] {
		t.Errorf("weights of %d bytes after a fourth, %d after one", now, sizes[0])
	}
	// One that answers stays beside the one that is asked meanwhile.
	req := func(name string) serve.ChatRequest {
		return serve.ChatRequest{Model: name, Messages: []serve.Message{{Role: "user", Content: "Hi"}}, Sampling: serve.Sampling{MaxTokens: 4}}
	}
	want := map[string]string{}
	for _, name := range []string{"always", "1"} {
		var err error
		if want[name], err = ask(e, req(name)); err != nil {
			t.Fatal(err)
		}
	}
	var inner string
	var once sync.Once
	var outer strings.Builder
	_, _, err := e.Chat(t.Context(), req("always"), func(d serve.Delta) error {
		outer.WriteString(d.Text)
		once.Do(func() {
			var err error
			if inner, err = ask(e, req("1")); err != nil {
				t.Error(err)
			}
		})
		return nil
	})
	if err != nil || outer.String() != want["always"] || inner != want["1"] {
		t.Errorf("at once: %q and %q, want %q and %q; %v", outer.String(), inner, want["always"], want["1"], err)
	}
	if err := e.AddAdapter("broken", t.TempDir(), "starter", starterDir); err == nil || len(e.Models()) != 5 {
		t.Errorf("a folder without an adapter: %v, %d models", err, len(e.Models()))
	}
}

func TestOfferRefuses(t *testing.T) {
	e := engine(t)
	offer := func(name, baseDir string) error {
		return e.Offer(local.Tuned{Name: name, Dir: t.TempDir(), Parent: "starter", BaseDir: baseDir, Base: troika.Sum([]byte("another"))})
	}
	if err := offer("tuned", starterDir); err == nil || !strings.Contains(err.Error(), "two models") {
		t.Errorf("a second model of the same name: %v", err)
	}
	if err := offer("x", t.TempDir()); err == nil || !strings.Contains(err.Error(), "its base starter is not served") {
		t.Errorf("on a base that is not served: %v", err)
	}
	if err := offer("x", starterDir); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := ask(e, serve.ChatRequest{Model: "x", Messages: []serve.Message{{Role: "user", Content: "Hi"}}})
		var request *serve.RequestError
		if !errors.As(err, &request) || !strings.Contains(request.Message, "tuned on another starter") {
			t.Errorf("on a base that changed: %v", err)
		}
	}
}
